"""One contender in a process of its own: reads requests from standard input, a line of JSON each, and answers in the same way.

    {"do": "load", "rows": FILE, "k": K}                    -> {"version": ..., "rss": BYTES}
    {"do": "time", "low": L, "high": H, "enough": SECONDS, "inner": whether the fits are too close}
                                                            -> {"seconds": CPU seconds of all iterations, "iterations": how many}
    {"do": "answer", "iterations": M, "centroids": FILE}    -> {"iterations": M, "rss": largest resident set so far, BYTES}

The time of iterations alone is the difference of two fits that differ in nothing but their number of iterations: checking the input,
copying it and the last labels are in both. A new contender is a class with `fit`, and a line in CONTENDERS.
"""

import json
import os
import sys
import time
from importlib import metadata

# Iterations by which two fits differ where a library goes on after convergence.
BEYOND = 8

# Before any library starts its threads.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"


def peak_rss():
    """Largest resident set of this process so far, bytes."""
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))


def named(package):
    """The package with its version."""
    return f"{package} {metadata.version(package)}"


class ScikitLearn:
    """sklearn.cluster.KMeans, algorithm 'lloyd'."""

    def __init__(self):
        from sklearn.cluster import KMeans

        self.version = named("scikit-learn")
        self.kmeans = KMeans

    def fit(self, rows, start, iterations):
        fitted = self.kmeans(len(start), init=start, n_init=1, max_iter=iterations, tol=0, algorithm="lloyd").fit(rows)
        self.check(fitted)
        return int(fitted.n_iter_), fitted.cluster_centers_

    def check(self, fitted):
        pass

    def inner(self, rows, start, iterations):
        """CPU seconds of iterations by the function inside scikit-learn that does one: for clusterings that converge too soon."""
        import numpy as np
        from sklearn.cluster._k_means_lloyd import lloyd_iter_chunked_dense

        old, new = start.copy(), np.empty_like(start)
        weights, filled = np.ones(len(rows), dtype=rows.dtype), np.zeros(len(start), dtype=rows.dtype)
        labels, shift = np.full(len(rows), -1, dtype=np.int32), np.zeros(len(start), dtype=rows.dtype)
        begin = time.process_time()
        for _ in range(iterations):
            lloyd_iter_chunked_dense(rows, weights, old, new, filled, labels, shift, 1)
            old, new = new, old
        return time.process_time() - begin


class OneDal(ScikitLearn):
    """oneDAL behind scikit-learn-intelex."""

    def __init__(self):
        import daal4py
        from sklearnex.cluster import KMeans

        daal4py.daalinit(1)
        self.version = named("scikit-learn-intelex")
        self.kmeans = KMeans

    inner = None

    def check(self, fitted):
        if not hasattr(fitted, "_onedal_estimator"):
            raise RuntimeError("scikit-learn-intelex did not hand this to oneDAL")


class Daal4py:
    """oneDAL behind its older interface."""

    def __init__(self):
        import daal4py

        daal4py.daalinit(1)
        self.version = "daal4py of " + named("scikit-learn-intelex")
        self.kmeans = daal4py.kmeans

    def fit(self, rows, start, iterations):
        algorithm = self.kmeans(
            nClusters=len(start), maxIterations=iterations, accuracyThreshold=0, fptype="float", assignFlag=False
        )
        result = algorithm.compute(rows, start)
        return int(result.nIterations[0, 0]), result.centroids


class Faiss:
    """faiss.Kmeans on the CPU; every row is used."""

    def __init__(self):
        import faiss

        faiss.omp_set_num_threads(1)
        self.version = named("faiss-cpu")
        self.faiss = faiss

    def fit(self, rows, start, iterations):
        all_rows = {"min_points_per_centroid": 1, "max_points_per_centroid": len(rows)}
        kmeans = self.faiss.Kmeans(rows.shape[1], len(start), niter=iterations, seed=1, **all_rows)
        kmeans.train(rows, init_centroids=start)
        return len(kmeans.iteration_stats), kmeans.centroids


CONTENDERS = {"scikit-learn": ScikitLearn, "oneDAL": OneDal, "daal4py": Daal4py, "faiss": Faiss}


class Session:
    """The rows and the library that works on them."""

    def __init__(self, library):
        self.library = library

    def load(self, rows, k):
        import numpy as np

        before = peak_rss()
        self.rows = None  # Those of the workload before.
        self.rows = np.load(rows)
        self.start = self.rows[:k].copy()
        return {"version": self.library.version, "rss": before}

    def time(self, low, high, enough, inner):
        """CPU seconds of iterations, the mean of as many pairs of fits as take `enough` seconds together.

        `inner`: by the library's function for one iteration where it is known, else by fits that go beyond convergence where it does.
        """
        step = getattr(self.library, "inner", None) if inner else None
        if inner and not step and self.library.fit(self.rows, self.start, low + BEYOND)[0] == low + BEYOND:
            high = low + BEYOND
        seconds, fits, until = 0.0, 0, time.monotonic() + enough
        while not fits or time.monotonic() < until:
            fits += 1
            if step:
                seconds += step(self.rows, self.start, high)
                continue
            for iterations, sign in ((low, -1), (high, 1)):
                begin = time.process_time()
                done, _ = self.library.fit(self.rows, self.start, iterations)
                seconds += sign * (time.process_time() - begin)
                if done != iterations:
                    raise RuntimeError(f"asked for {iterations} iterations, it ended after {done}")
        return {"seconds": seconds / fits, "iterations": high if step else high - low, "inner": bool(step)}

    def answer(self, iterations, centroids):
        import numpy as np

        done, found = self.library.fit(self.rows, self.start, iterations)
        rss = peak_rss()
        np.save(centroids, found)
        return {"iterations": int(done), "rss": rss}


def main():
    # What libraries print must not get between the answers.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    session = None
    for line in sys.stdin:
        request = json.loads(line)
        do = request.pop("do")
        try:
            session = session or Session(CONTENDERS[sys.argv[1]]())
            reply = getattr(session, do)(**request)
        except Exception as error:  # Whatever a library throws is this row's reason.
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=out, flush=True)


if __name__ == "__main__":
    main()
