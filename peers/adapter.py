"""What every adapter of a Python library shares: the worker protocol, the data, the clock.

A peer is a program that is called in two ways (docs/peers.md):

    PEER --version                     prints one line: what it is, with its version
    PEER --cell FILE --record FILE     works on the cell and leaves a record as its last act

An adapter is a class with `version`, `prepare` and `fit`, and a line that calls `run`. Nothing is imported from a library before the number
of its threads is settled.
"""

import argparse
import json
import os
import platform
import resource
import sys
import time
from importlib import metadata
from pathlib import Path

PROTOCOL = 1
PHASES = ["load", "init", "assign", "reduce", "update", "wait", "finish"]
# A difference of two fits is taken of as many pairs as take this many seconds together.
ENOUGH = 0.3
# One that is not above 0 is measured again.
TRIES = 3


class CannotRun(Exception):
    """What the cell asks for cannot be had from this library. The message is the row's reason."""


def named(*packages):
    """The packages with their versions, the first of which is meant, and the Python that runs them."""
    try:
        first, *others = [f"{package} {metadata.version(package)}" for package in packages]
    except metadata.PackageNotFoundError as missing:
        sys.exit(f"{missing.name} is not installed")
    return f"{first} ({', '.join([*others, 'Python ' + platform.python_version()])})"


class Job:
    """A cell as it is given to a peer: rows and start are files."""

    def __init__(self, cell):
        if cell.get("protocol") != PROTOCOL or "id" not in cell:
            raise ValueError(
                f"not a cell for a peer of protocol {PROTOCOL}: have one written by "
                "'amdahl-worker --cell CELL --export FOLDER --record FILE'"
            )
        work = cell["workload"]
        self.id, self.k = cell["id"], work["k"]
        self.rows, self.start = Path(cell["dataset"]["path"]), Path(work["init"]["given"]["path"])
        self.fixed = "iterations" in work["stop"]
        rule = work["stop"].get("converged", {})
        self.iterations = work["stop"]["iterations"] if self.fixed else rule["max_iterations"]
        self.tolerance = rule.get("tolerance", 0.0)
        self.ranks, self.threads = cell["ranks"], cell["threads"]
        self.oversubscribe = cell.get("oversubscribe", False)

    def needs_no_tolerance(self):
        """For libraries whose tolerance means another thing."""
        if self.tolerance > 0:
            raise CannotRun("its tolerance is another than ours: give tolerance = 0 or a number of iterations")


def pin(lanes, first=0):
    """Keeps this process, and the threads that it will have, on as many CPUs as it has lanes: those that ours would use."""
    allowed = sorted(os.sched_getaffinity(0))
    chosen = {allowed[(first + lane) % len(allowed)] for lane in range(lanes)}
    os.sched_setaffinity(0, chosen)


def peak_rss(pid="self"):
    """Largest resident set of a process so far, bytes."""
    try:
        with open(f"/proc/{pid}/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 if pid == "self" else None


def cpu_seconds(pid):
    """CPU seconds of another process so far, in the kernel's ticks."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def fewer_and_more(job):
    """Numbers of iterations of the two fits whose difference is timed."""
    fewer = 2 if job.fixed and job.iterations >= 6 else 1
    return fewer, max(job.iterations, fewer + 1)


def by_difference(job, fit, clocks=(time.perf_counter, time.process_time), enough=ENOUGH):
    """Wall and CPU seconds of an iteration, with the answer of `job.iterations` of them.

    `fit(iterations)` gives (iterations that were run, centroids). What a fit does beside iterations, checking and copying its input and
    making the last labels, is in both fits, and falls out of their difference.
    """
    fewer, more = fewer_and_more(job)
    for _ in range(TRIES):
        spent, counted, answer = [0.0, 0.0], 0, None
        began = time.perf_counter()
        while not counted or time.perf_counter() - began < enough:
            for iterations, sign in ((fewer, -1), (more, 1)):
                before = [clock() for clock in clocks]
                done, centroids = fit(iterations)
                spent = [s + sign * (clock() - b) for s, clock, b in zip(spent, clocks, before)]
                counted += sign * done
                if job.fixed and done != iterations:
                    raise CannotRun(f"asked for {iterations} iterations it ended after {done}: it converges, give it fewer")
                if sign > 0:
                    answer = (done, centroids)
            if counted <= 0:
                raise CannotRun(f"it converges within {fewer} iterations: there is nothing to be timed")
        if spent[0] > 0:
            break
    else:
        raise CannotRun("the time of its iterations is lost in the noise of what a fit does beside them")
    if job.fixed and more != job.iterations:
        answer = fit(job.iterations)
    wall, cpu = (seconds / counted for seconds in spent)
    return wall, cpu if cpu > 0 else None, answer


def still_moves(job, fit):
    """Raises where a library that does not say how many iterations it did ends before the last one: then that changes nothing."""
    import numpy as np

    if job.iterations > 1 and np.array_equal(fit(job.iterations)[1], fit(job.iterations - 1)[1]):
        raise CannotRun(f"its iteration {job.iterations} changes nothing: it converges, give it fewer")


def save(path, centroids, k):
    """Centroids for the judge, beside the record."""
    import numpy as np

    centroids = np.ascontiguousarray(centroids)
    if len(centroids) < k:
        raise CannotRun(f"it leaves {len(centroids)} centroids of {k}: it drops clusters without rows")
    if not np.isfinite(centroids).all():
        raise CannotRun("it leaves centroids that are no numbers: it takes the mean of clusters without rows")
    np.save(path, centroids)
    return path.name


def loaded(job):
    """Rows and start, with the seconds that reading them took."""
    import numpy as np

    began = time.perf_counter()
    rows, start = np.load(job.rows), np.load(job.start)
    return rows, start, time.perf_counter() - began


def timed_by_difference(library, job, record):
    """What a library that only has `fit` leaves."""
    rows, start, load_seconds = loaded(job)
    library.prepare(job)

    def fit(iterations):
        return library.fit(rows, start, iterations)

    # The first fit brings pages and code into memory; its answer is the one that is compared closely.
    first = None
    if library.steps:
        done, centroids = fit(1)
        if done != 1:
            raise CannotRun(f"asked for one iteration, it did {done}")
        first = save(record.with_suffix(".first.npy"), centroids, job.k)
    if not library.tells_iterations:
        still_moves(job, fit)
    wall, cpu, (iterations, centroids) = by_difference(job, fit, library.clocks)
    fewer, more = fewer_and_more(job)
    timed = f"by the difference of fits of {more if job.fixed else iterations} and {fewer} iterations"
    times = {"seconds": wall * iterations, "cpu_seconds": cpu and cpu * iterations, "load_seconds": load_seconds, "timed": timed}
    return left(library, job, record, times, iterations, centroids) | {"first": first}


def timed_as_a_whole(library, job, record, enough=ENOUGH):
    """What a library leaves whose iterations cost unlike amounts: whole fits, of which the number of iterations is a limit."""
    rows, start, load_seconds = loaded(job)
    library.prepare(job)
    library.fit(rows, start, job.iterations)
    fits, before = 0, [clock() for clock in library.clocks]
    while not fits or library.clocks[0]() - before[0] < enough:
        iterations, centroids = library.fit(rows, start, job.iterations)
        fits += 1
    wall, cpu = ((clock() - began) / fits for clock, began in zip(library.clocks, before))
    times = {"seconds": wall, "cpu_seconds": cpu if cpu > 0 else None, "load_seconds": load_seconds, "timed": "as whole fits"}
    return left(library, job, record, times, iterations, centroids)


def left(library, job, record, times, iterations, centroids):
    """What a library leaves, however it was timed."""
    return times | {
        "version": library.version(),
        "iterations": int(iterations),
        "converged": not job.fixed and iterations < job.iterations,
        "inertia": library.inertia,
        "centroids": save(record.with_suffix(".centroids.npy"), centroids, job.k),
        "empty": library.empty,
        "peak_rss_bytes": library.peak_rss(),
    }


class Library:
    """What an adapter's class has unless it says otherwise."""

    # Can it do one iteration, to be compared with ours?
    steps = True
    # Wall and CPU time.
    clocks = (time.perf_counter, time.process_time)
    # Of the last fit, in its own words.
    inertia = None
    # Does it say how many iterations it did?
    tells_iterations = True
    # What becomes of the centroid of a cluster without rows, by the words of docs/peers.md; None where nobody has looked.
    empty = None

    def prepare(self, job):
        """Imports what is needed and settles the number of threads."""

    def peak_rss(self):
        return peak_rss()


def write(record, job, end):
    """Leaves a record: as a whole or not at all."""
    part = record.with_name(record.name + ".part")
    part.write_text(json.dumps({"protocol": PROTOCOL, "cell": job.id, "end": end}))
    part.replace(record)


def failed(error):
    """An exception as the end of a record."""
    if isinstance(error, (CannotRun, ImportError)):
        return {"failed": {"class": "unavailable", "reason": str(error)}}
    return {"failed": {"class": "error", "reason": f"{type(error).__name__}: {error}"}}


def arguments(about):
    parser = argparse.ArgumentParser(description=about, allow_abbrev=False)
    parser.add_argument("--version", action="store_true", help="print one line and end")
    parser.add_argument("--cell", type=Path, help="the cell, as 'amdahl-worker --export' writes it")
    parser.add_argument("--record", type=Path, help="where the record goes")
    return parser


def called(parser, version):
    """The arguments of a call to work, and its job. A call for the version ends here."""
    args = parser.parse_args()
    if args.version:
        print(version())
        sys.exit()
    if not (args.cell and args.record):
        parser.error("--cell and --record are needed, or --version")
    return args, Job(json.loads(args.cell.read_text()))


def run(library, about, measure=timed_by_difference):
    """The main program of an adapter."""
    args, job = called(arguments(about), library.version)
    try:
        pin(max(job.threads, job.ranks))
        end = {"done": measure(library, job, args.record)}
    except Exception as error:  # Whatever a library throws is this row's reason.
        end = failed(error)
    write(args.record, job, end)
