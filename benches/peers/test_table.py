"""Tests of what is computed and printed. `python3 -m unittest discover benches/peers`; `cargo test` runs them too."""

import unittest

import table
from contenders import PHASES, CannotRun, Result, Task, cpu_seconds
from workloads import WORKLOADS, Workload, odd, quick


def result(name, samples, ours=False, **more):
    return Result(name, ours, samples=samples, **more)


class Ratio(unittest.TestCase):
    def test_is_of_the_medians_of_the_best_peer(self):
        ours = result("ours", [1.0, 2.0, 9.0], ours=True)
        peers = [result("slow", [50.0, 60.0, 70.0]), result("fast", [5.0, 6.0, 7.0])]
        self.assertEqual(table.best_peer([*peers, ours]).name, "fast")
        ratio, low, high, kind = table.ratio([*peers, ours], ours)
        self.assertEqual((ratio, kind), (3.0, "range"))
        self.assertEqual((low, high), (7 / 9, 5.0))

    def test_resamples_rounds_jointly_when_there_are_enough(self):
        # What disturbs a round disturbs both: the ratio does not waver.
        disturbed = [1.0, 3.0, 2.0, 5.0, 4.0, 1.5, 2.5]
        ours = result("ours", disturbed, ours=True)
        ratio, low, high, kind = table.ratio([result("peer", [2 * x for x in disturbed]), ours], ours)
        self.assertEqual((ratio, low, high, kind), (2.0, 2.0, 2.0, "95%"))

    def test_needs_a_peer_and_a_sample(self):
        ours = result("ours", [1.0], ours=True)
        self.assertIsNone(table.ratio([ours], ours))
        self.assertIsNone(table.ratio([result("peer", [1.0]), ours], result("ours", [], ours=True)))


class Floor(unittest.TestCase):
    def test_is_the_larger_of_arithmetic_and_reading(self):
        w = Workload("w", 1000, 10, 5)
        self.assertEqual(table.floor_seconds(w, {"flops": 1e5, "caches": [], "memory": 1e9}), 1.0)
        self.assertEqual(table.floor_seconds(w, {"flops": 1e9, "caches": [], "memory": 1e4}), 4.0)
        self.assertEqual(table.floor_seconds(w, {"flops": 1e9, "caches": [(100, 9e9), (40_000, 2e4)], "memory": 1e4}), 2.0)
        self.assertIsNone(table.floor_seconds(w, None))

    def test_rates_are_those_of_one_lane_on_the_faster_pages(self):
        def peak(lanes, best):
            return {"lanes": lanes, "fma": {"best": best, "passes": 3}}

        def band(level, lanes, best, size):
            read = {"best": best, "passes": 3}
            return {"level": level, "lanes": lanes, "huge_pages": False, "capacity_bytes": size, "read": read}

        bandwidths = [band("memory", 1, 12.0, None), band("memory", 1, 15.0, None), band("memory", 2, 20.0, None)]
        bandwidths += [band("L3", 1, 40.0, 4096), band("L1", 1, None, 64)]
        rates = table.rates({"peaks": [peak(1, 200.0), peak(2, 390.0)], "bandwidths": bandwidths})
        self.assertEqual(rates, {"flops": 200.0, "caches": [(4096, 40.0)], "memory": 15.0})
        self.assertIsNone(table.rates({"peaks": [peak(1, None)], "bandwidths": bandwidths}))


class Printed(unittest.TestCase):
    def test_who_cannot_run_is_a_row_with_the_reason(self):
        field = [result("peer", [], cannot="no wheel"), result("ours", [0.002], ours=True, inertia=2.0, rss=8 * 10**5)]
        lines = table.workload_table(Workload("w", 1000, 100, 5), field, None, 3)
        self.assertIn("cannot run: no wheel", "\n".join(lines))
        row = next(line for line in lines if line.startswith("  ours"))
        self.assertEqual(row.split(), ["ours", "2", "2-2", "1", "2.00", "2", "+0e+00"])

    def test_a_slower_shape_is_marked(self):
        field = [result("peer", [1.0, 1.0, 1.0]), result("ours", [1.5, 1.4, 1.6], ours=True)]
        line, slower = table.odd_line(Workload("w", 1000, 1, 1), field)
        self.assertTrue(slower)
        self.assertIn("SLOWER", line)
        line, slower = table.odd_line(Workload("w", 1000, 1, 1), [result("peer", [2.0]), result("ours", [1.0], ours=True)])
        self.assertFalse(slower)


class Counting(unittest.TestCase):
    def test_cpu_time_is_that_of_the_timed_phases(self):
        values = [float(10**i) for i in range(len(PHASES))]
        report = {"readings": {"values": [["wall", "s", "measured", [[0.0] * 7]], ["cpu", "s", "measured", [values]]]}}
        self.assertEqual(cpu_seconds(report), 1e2 + 1e3 + 1e4 + 1e5)
        with self.assertRaises(CannotRun):
            cpu_seconds({"readings": {"values": []}})

    def test_two_fits_differ_in_at_least_one_iteration(self):
        for iterations in range(1, 20):
            task = Task(WORKLOADS[0], None, iterations)
            self.assertGreaterEqual(task.low, 1)
            self.assertGreater(task.high, task.low)

    def test_every_shape_has_as_many_rows_as_clusters(self):
        for workload in [*WORKLOADS, *odd(), *map(quick, [*WORKLOADS, *odd()])]:
            self.assertGreaterEqual(workload.n, workload.k, workload)


if __name__ == "__main__":
    unittest.main()
