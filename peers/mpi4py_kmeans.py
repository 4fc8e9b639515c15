"""k-means with mpi4py, after the description in the article "Understanding MPI in Python".

A contiguous split of the rows, the remainder to the last rank; rank 0 has the initial centroids and broadcasts them; each rank adds up its
rows in batches; two reductions over all ranks in an iteration, of the sums and of the counts; on an exception the rank that has it aborts
all. Unlike the article's own program, a rank reads its own rows alone, arrays are reduced without pickling, and batches are used.
"""

import sys
import time
import traceback

import adapter
from lloyd import BATCH, EMPTY, Phases, batches, converged, fault, means, nearest, norms, split


def library(mpi):
    return " ".join(mpi.Get_library_version().replace("\0", " ").split()).split(", ")[0][:60]


def version():
    """Without starting MPI: a program that is asked for its version is no rank."""
    import mpi4py

    mpi4py.rc.initialize = False
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        sys.exit(f"mpi4py finds no MPI library: {error}")
    return f"{adapter.named('mpi4py', 'numpy')}, {library(MPI)}"


def iterate(comm, rows, centroids, iterations, tolerance, batch, phases, rank):
    """Lloyd's iterations. `tolerance` is None where all of them are wanted."""
    import numpy as np
    from mpi4py import MPI

    sums = np.empty(centroids.shape, dtype=np.float64)
    counts = np.empty(len(centroids), dtype=np.int64)
    for iteration in range(1, iterations + 1):
        phases.enter("assign")
        fault(rank, iteration)
        sums[:] = 0
        counts[:] = 0
        lengths = norms(centroids)
        for _, part in batches(rows, batch):
            labels = nearest(part, centroids, lengths)
            for cluster in np.unique(labels):
                members = part[labels == cluster]
                sums[cluster] += members.sum(axis=0, dtype=np.float64)
                counts[cluster] += len(members)
        phases.enter("wait")
        comm.Barrier()
        phases.enter("reduce")
        comm.Allreduce(MPI.IN_PLACE, sums)
        comm.Allreduce(MPI.IN_PLACE, counts)
        phases.enter("update")
        new = means(sums, counts, centroids)
        done = tolerance is not None and converged(centroids, new, tolerance)
        centroids = new
        if done:
            return iteration, True, centroids
    return iterations, False, centroids


def work(comm, job, record, batch):
    """The answer on rank 0."""
    import numpy as np

    rank, ranks = comm.Get_rank(), comm.Get_size()
    if ranks != job.ranks:
        raise adapter.CannotRun(f"the cell wants {job.ranks} ranks, this launcher started {ranks}")
    job.needs_no_tolerance()
    adapter.pin(1, rank)
    phases = Phases()
    # What is mapped is read when it is copied: a rank reads its own rows.
    mapped = np.load(job.rows, mmap_mode="r")
    first, last = split(len(mapped), ranks, rank)
    rows = np.array(mapped[first:last])
    phases.enter("init")
    start = np.load(job.start) if rank == 0 else np.empty((job.k, mapped.shape[1]), dtype=np.float32)
    comm.Bcast(start, root=0)
    _, _, one = iterate(comm, rows, start, 1, None, batch, phases, -1)
    phases.timed_from_here()
    phases.enter("update")
    comm.Barrier()
    began, cpu = time.perf_counter(), time.process_time()
    rule = None if job.fixed else job.tolerance
    iterations, ended, centroids = iterate(comm, rows, start, job.iterations, rule, batch, phases, rank)
    mine = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    phases.enter("finish")
    phases.enter("finish")
    all = comm.gather(mine | {"phases": phases.seconds, "rss": adapter.peak_rss()}, root=0)
    if rank:
        return None
    return {
        "version": version_here(),
        "seconds": max(rank["seconds"] for rank in all),
        "cpu_seconds": sum(rank["cpu"] for rank in all),
        "timed": "by its own clock, from a barrier to the end of the last rank",
        "load_seconds": phases.seconds[0],
        "iterations": iterations,
        "converged": ended,
        "centroids": adapter.save(record.with_suffix(".centroids.npy"), centroids, job.k),
        "first": adapter.save(record.with_suffix(".first.npy"), one, job.k),
        "empty": EMPTY,
        "peak_rss_bytes": max(rank["rss"] for rank in all),
        "phases": [rank["phases"] for rank in all],
    }


def version_here():
    from mpi4py import MPI

    return f"{adapter.named('mpi4py', 'numpy')}, {library(MPI)}"


def main():
    parser = adapter.arguments(__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=BATCH, help=f"rows whose distances are in memory at a time ({BATCH})")
    args, job = adapter.called(parser, version)
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    try:
        end = work(comm, job, args.record, args.batch)
        if comm.Get_rank() == 0:
            adapter.write(args.record, job, {"done": end})
    except Exception as error:
        # All ranks end, whatever they are in. What cannot run cannot on any of them, and rank 0 says so.
        rank = comm.Get_rank()
        print(f"rank {rank}: {traceback.format_exc()}", file=sys.stderr, flush=True)
        if rank == 0 or not isinstance(error, adapter.CannotRun):
            adapter.write(args.record, job, adapter.failed(error))
        comm.Abort(1)


if __name__ == "__main__":
    main()
