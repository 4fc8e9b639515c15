"""k-means with Python's multiprocessing, after the homework: E-step and M-step by the same processes.

In the E-step a process gives its own rows (a contiguous part, the remainder to the last) the labels of their nearest centroids. In the
M-step a process owns clusters: it looks for all rows with their labels, whoever gave them, and moves their centroids to the means. Rows,
labels and centroids lie in memory that the processes share.
"""

import multiprocessing
import platform
import threading
import time
import traceback

import adapter
from lloyd import BATCH, EMPTY, Phases, batches, fault, nearest, norms, split

# A process that waits this long for the others has lost one of them.
PATIENCE = 3600


def version():
    return f"multiprocessing of Python {platform.python_version()} ({adapter.named('numpy').split(' (')[0]})"


class Team:
    """What the processes share."""

    def __init__(self, job, rows, start, loaded):
        import numpy as np

        context = multiprocessing.get_context("fork")

        def shared(kind, shape):
            buffer = context.RawArray("b", max(1, int(np.prod(shape)) * np.dtype(kind).itemsize))
            return np.frombuffer(buffer, dtype=kind)[: int(np.prod(shape))].reshape(shape)

        self.context, self.job, self.rows, self.start, self.loaded = context, job, rows, start, loaded
        self.labels = shared(np.int32, (len(rows),))
        self.centroids, self.new = shared(np.float32, start.shape), shared(np.float32, start.shape)
        self.changed = shared(np.int64, (job.ranks,))
        self.barrier = context.Barrier(job.ranks)
        self.ends = context.SimpleQueue()

    def wait(self, phases):
        phases.enter("wait")
        self.barrier.wait(PATIENCE)

    def iterate(self, rank, iterations, stops, phases, faulty):
        """Lloyd's iterations from the start, on all processes. Says how many there were, and whether no label changed at the end."""
        import numpy as np

        processes, (first, last) = self.job.ranks, split(len(self.rows), self.job.ranks, rank)
        own, labels = self.rows[first:last], self.labels[first:last]
        labels[:] = -1
        if rank == 0:
            self.centroids[:] = self.start
        self.wait(phases)
        for iteration in range(1, iterations + 1):
            phases.enter("assign")
            if faulty:
                fault(rank, iteration)
            lengths, changed = norms(self.centroids), 0
            for at, part in batches(own, BATCH):
                found = nearest(part, self.centroids, lengths)
                changed += int((labels[at : at + len(part)] != found).sum())
                labels[at : at + len(part)] = found
            self.changed[rank] = changed
            self.wait(phases)
            phases.enter("update")
            for cluster in range(rank, len(self.start), processes):
                members = self.rows[self.labels == cluster]
                filled = len(members) > 0
                self.new[cluster] = members.mean(axis=0, dtype=np.float64) if filled else self.centroids[cluster]
            unchanged = self.changed.sum() == 0
            self.wait(phases)
            if rank == 0:
                self.centroids[:] = self.new
            self.wait(phases)
            if stops and unchanged:
                return iteration, True
        return iterations, False

    def run(self, rank):
        """A process from its start to its end; what it found goes into the queue."""
        try:
            adapter.pin(1, rank)
            phases = Phases()
            phases.enter("init")
            # All waited while one of them read.
            phases.seconds[0] = self.loaded
            self.iterate(rank, 1, False, phases, False)
            one = self.centroids.copy() if rank == 0 else None
            phases.timed_from_here()
            self.wait(phases)
            began, cpu = time.perf_counter(), time.process_time()
            iterations, ended = self.iterate(rank, self.job.iterations, not self.job.fixed, phases, True)
            end = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
            phases.enter("finish")
            end |= {"rank": rank, "iterations": iterations, "ended": ended, "phases": phases.seconds}
            end |= {"rss": adapter.peak_rss(), "one": one}
        except BaseException as error:
            # Those who wait for this process are told.
            self.barrier.abort()
            said = traceback.format_exception_only(error)[-1].strip()
            end = {"rank": rank, "error": f"process {rank}: {said}", "broken": isinstance(error, threading.BrokenBarrierError)}
        self.ends.put(end)


def measure(_, job, record):
    import numpy as np

    job.needs_no_tolerance()
    began = time.perf_counter()
    rows, start = np.load(job.rows), np.load(job.start)
    loaded = time.perf_counter() - began
    team = Team(job, rows, start, loaded)
    processes = [team.context.Process(target=team.run, args=(rank,)) for rank in range(job.ranks)]
    for process in processes:
        process.start()
    ends = sorted((team.ends.get() for _ in processes), key=lambda end: end["rank"])
    for process in processes:
        process.join()
    errors = sorted((end for end in ends if "error" in end), key=lambda end: end["broken"])
    if errors:
        raise RuntimeError(errors[0]["error"])
    return {
        "version": version(),
        "seconds": max(end["seconds"] for end in ends),
        "cpu_seconds": sum(end["cpu"] for end in ends),
        "timed": "by its own clock, from a barrier to the end of the last process",
        "load_seconds": loaded,
        "iterations": ends[0]["iterations"],
        "converged": ends[0]["ended"],
        "centroids": adapter.save(record.with_suffix(".centroids.npy"), team.centroids, job.k),
        "first": adapter.save(record.with_suffix(".first.npy"), ends[0]["one"], job.k),
        "empty": EMPTY,
        "peak_rss_bytes": max(end["rss"] for end in ends),
        "phases": [end["phases"] for end in ends],
    }


class Homework:
    """What `adapter.run` wants to know."""

    version = staticmethod(version)


if __name__ == "__main__":
    adapter.run(Homework, __doc__.splitlines()[0], measure)
