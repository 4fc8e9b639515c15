"""Lloyd's iteration in NumPy, in the pieces that the two programs of ours share (mpi4py_kmeans, multiprocessing_kmeans)."""

import os
import time

import adapter

# Rows whose distances are in memory at a time.
BATCH = 10_000
# What becomes of the centroid of a cluster without rows.
EMPTY = "stays"


def split(rows, parts, part):
    """The rows of a part: as many for each, and the remainder for the last."""
    each = rows // parts
    return part * each, rows if part == parts - 1 else (part + 1) * each


def batches(rows, size):
    for first in range(0, len(rows), size):
        yield first, rows[first : first + size]


def nearest(batch, centroids, norms):
    """Labels of a batch. The norm of a row is the same for all centroids, and left out."""
    scores = batch @ centroids.T
    scores *= -2
    scores += norms
    return scores.argmin(axis=1)


def norms(centroids):
    return (centroids * centroids).sum(axis=1)


def means(sums, counts, centroids):
    """New centroids; an empty cluster keeps its old one."""
    new = centroids.copy()
    filled = counts > 0
    new[filled] = (sums[filled] / counts[filled, None]).astype(centroids.dtype)
    return new


def converged(old, new, tolerance):
    """No centroid moved, or all together no further than the tolerance."""
    shift = ((new.astype("f8") - old) ** 2).sum()
    return shift == 0 or shift <= tolerance


class Phases:
    """Wall seconds by phase, as the record has them."""

    def __init__(self):
        self.seconds = [0.0] * len(adapter.PHASES)
        self.now, self.since = "load", time.perf_counter()

    def enter(self, phase):
        at = time.perf_counter()
        self.seconds[adapter.PHASES.index(self.now)] += at - self.since
        self.now, self.since = phase, at

    def timed_from_here(self):
        """What was spent on timed phases before was warm-up, and belongs to init."""
        self.enter(self.now)
        for phase in ("assign", "reduce", "update", "wait"):
            at = adapter.PHASES.index(phase)
            self.seconds[adapter.PHASES.index("init")] += self.seconds[at]
            self.seconds[at] = 0.0


def fault(rank, iteration):
    """Raises where a test asks for it: AMDAHL_FAULT=error:rank=R:iteration=I, as of our worker."""
    kind, *where = os.environ.get("AMDAHL_FAULT", "").split(":")
    wanted = {"rank": "0", "iteration": "1"} | dict(part.split("=", 1) for part in where)
    if kind == "error" and (str(rank), str(iteration)) == (wanted["rank"], wanted["iteration"]):
        raise RuntimeError(f"a fault on purpose on rank {rank} in iteration {iteration}")
