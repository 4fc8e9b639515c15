"""Tests of what adapters share; no library is needed. `python3 -m unittest discover peers/tests`; `cargo test` runs them too."""

import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import adapter  # noqa: E402
import lloyd  # noqa: E402


def job(**more):
    cell = {
        "protocol": 1,
        "id": "0123456789abcdef",
        "workload": {"kind": "kmeans", "k": 3, "init": {"given": {"path": "/s.npy"}}, "stop": {"iterations": 12}},
        "dataset": {"source": "file", "path": "/r.npy"},
        "backend": {"peer": "x", "lanes": "threads"},
        "ranks": 1,
        "threads": 2,
    }
    for name, value in more.items():
        (cell["workload"] if name == "stop" else cell)[name] = value
    return adapter.Job(cell)


class Clock:
    """Time that passes when a fit says so."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


class Jobs(unittest.TestCase):
    def test_are_read_from_a_cell(self):
        fixed = job()
        self.assertEqual((fixed.id, fixed.k, fixed.iterations, fixed.fixed), ("0123456789abcdef", 3, 12, True))
        self.assertEqual((str(fixed.rows), str(fixed.start), fixed.threads), ("/r.npy", "/s.npy", 2))
        fixed.needs_no_tolerance()
        ends = job(stop={"converged": {"tolerance": 0.5, "max_iterations": 300}})
        self.assertEqual((ends.iterations, ends.fixed, ends.tolerance), (300, False, 0.5))
        with self.assertRaises(adapter.CannotRun):
            ends.needs_no_tolerance()

    def test_need_a_cell_that_was_written_for_a_peer(self):
        with self.assertRaisesRegex(ValueError, "--export"):
            job(protocol=2)


class Difference(unittest.TestCase):
    def fits(self, costs_beside=5.0, an_iteration=0.25, ends_after=None, noise=()):
        wall, cpu = Clock(), Clock()
        noise = list(noise)

        def fit(iterations):
            done = min(iterations, ends_after or iterations)
            spent = costs_beside + an_iteration * done + (noise.pop(0) if noise else 0.0)
            wall.now += spent
            cpu.now += 2 * spent
            return done, f"centroids of {done}"

        return fit, (wall, cpu)

    def test_leaves_iterations_alone(self):
        fit, clocks = self.fits()
        wall, cpu, answer = adapter.by_difference(job(), fit, clocks, enough=0)
        self.assertAlmostEqual(wall, 0.25)
        self.assertAlmostEqual(cpu, 0.5)
        self.assertEqual(answer, (12, "centroids of 12"))

    def test_of_one_iteration_is_taken_from_two(self):
        fit, clocks = self.fits()
        wall, _, answer = adapter.by_difference(job(stop={"iterations": 1}), fit, clocks, enough=0)
        self.assertAlmostEqual(wall, 0.25)
        self.assertEqual(answer, (1, "centroids of 1"))

    def test_to_convergence_counts_what_was_run(self):
        rule = {"converged": {"tolerance": 0.0, "max_iterations": 300}}
        fit, clocks = self.fits(ends_after=41)
        wall, _, answer = adapter.by_difference(job(stop=rule), fit, clocks, enough=0)
        self.assertAlmostEqual(wall, 0.25)
        self.assertEqual(answer[0], 41)
        fit, clocks = self.fits(ends_after=1)
        with self.assertRaisesRegex(adapter.CannotRun, "nothing to be timed"):
            adapter.by_difference(job(stop=rule), fit, clocks, enough=0)

    def test_refuses_fewer_iterations_than_asked_for(self):
        fit, clocks = self.fits(ends_after=9)
        with self.assertRaisesRegex(adapter.CannotRun, "12 iterations it ended after 9"):
            adapter.by_difference(job(), fit, clocks, enough=0)

    def test_is_taken_again_when_it_is_lost_in_noise_and_given_up_at_last(self):
        fit, clocks = self.fits(noise=[100.0, 0.0])
        wall, _, _ = adapter.by_difference(job(), fit, clocks, enough=0)
        self.assertAlmostEqual(wall, 0.25)
        fit, clocks = self.fits(noise=[100.0, 0.0] * adapter.TRIES)
        with self.assertRaisesRegex(adapter.CannotRun, "noise"):
            adapter.by_difference(job(), fit, clocks, enough=0)


def matrix(*rows):
    import numpy

    return numpy.array(rows, dtype="f4")


class Answers(unittest.TestCase):
    def setUp(self):
        try:
            import numpy  # noqa: F401
        except ImportError:
            self.skipTest("NumPy is not installed")

    def test_that_cannot_be_judged_say_what_became_of_clusters_without_rows(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "c.npy"
            self.assertEqual(adapter.save(path, matrix([1.0], [2.0]), 2), "c.npy")
            with self.assertRaisesRegex(adapter.CannotRun, "1 centroids of 2: it drops clusters without rows"):
                adapter.save(path, matrix([1.0]), 2)
            with self.assertRaisesRegex(adapter.CannotRun, "no numbers"):
                adapter.save(path, matrix([1.0], [float("nan")]), 2)

    def test_of_a_library_that_does_not_tell_its_iterations_must_still_move_at_the_last(self):
        def moves_until(end):
            return lambda iterations: (iterations, matrix([min(iterations, end)]))

        adapter.still_moves(job(), moves_until(12))
        with self.assertRaisesRegex(adapter.CannotRun, "iteration 12 changes nothing"):
            adapter.still_moves(job(), moves_until(11))
        adapter.still_moves(job(stop={"iterations": 1}), moves_until(0))

    def test_of_whole_fits_are_timed_by_their_mean(self):
        import numpy

        wall = Clock()

        class Fits(adapter.Library):
            clocks = (wall, wall)
            empty = "nan"

            def version(self):
                return "x 1"

            def fit(self, rows, start, iterations):
                wall.now += 0.25
                return 3, start

        with tempfile.TemporaryDirectory() as folder:
            numpy.save(Path(folder) / "r.npy", matrix([1.0], [2.0], [3.0]))
            cell = job()
            cell.rows = cell.start = Path(folder) / "r.npy"
            left = adapter.timed_as_a_whole(Fits(), cell, Path(folder) / "record.json", enough=1.0)
        self.assertEqual((left["seconds"], left["iterations"], left["empty"]), (0.25, 3, "nan"))
        self.assertFalse(left["converged"])


class Records(unittest.TestCase):
    def test_say_which_cell_they_are_about_and_why_nothing_came_of_it(self):
        with tempfile.TemporaryDirectory() as folder:
            record = Path(folder) / "record.json"
            adapter.write(record, job(), adapter.failed(adapter.CannotRun("no such rule")))
            written = json.loads(record.read_text())
        self.assertEqual(written["protocol"], 1)
        self.assertEqual(written["cell"], "0123456789abcdef")
        self.assertEqual(written["end"], {"failed": {"class": "unavailable", "reason": "no such rule"}})
        self.assertEqual(adapter.failed(KeyError("x"))["failed"]["class"], "error")
        self.assertEqual(adapter.failed(ImportError("no x"))["failed"]["class"], "unavailable")

    def test_a_package_that_is_missing_has_no_version(self):
        with self.assertRaises(SystemExit) as ended:
            adapter.named("a-package-that-nobody-has")
        self.assertIn("is not installed", str(ended.exception))


class Parts(unittest.TestCase):
    def test_the_remainder_goes_to_the_last(self):
        self.assertEqual([lloyd.split(10, 3, part) for part in range(3)], [(0, 3), (3, 6), (6, 10)])
        self.assertEqual([lloyd.split(2, 3, part) for part in range(3)], [(0, 0), (0, 0), (0, 2)])

    def test_batches_are_all_rows(self):
        self.assertEqual([(first, len(part)) for first, part in lloyd.batches(range(25), 10)], [(0, 10), (10, 10), (20, 5)])

    def test_warm_up_belongs_to_init(self):
        phases = lloyd.Phases()
        phases.seconds = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.0]
        phases.timed_from_here()
        self.assertGreaterEqual(phases.seconds[1], 2.0 + 3.0 + 4.0 + 5.0 + 6.0)
        self.assertEqual(phases.seconds[2:6], [0.0, 0.0, 0.0, 0.0])


if __name__ == "__main__":
    unittest.main()
