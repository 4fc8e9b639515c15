"""scikit-learn: KMeans by 'lloyd' or 'elkan', and MiniBatchKMeans."""

import sys
import time

import adapter


class ScikitLearn(adapter.Library):
    """sklearn.cluster.KMeans."""

    empty = "farthest"

    def __init__(self, algorithm="lloyd"):
        self.algorithm = algorithm
        self.tolerance = 0.0

    def version(self):
        return adapter.named("scikit-learn", "numpy")

    def prepare(self, job):
        # Its tolerance is ours: times the mean variance of the columns.
        self.tolerance = job.tolerance

    def fit(self, rows, start, iterations):
        from sklearn.cluster import KMeans

        fitted = self.of(KMeans, len(start), start, iterations).fit(rows)
        self.check(fitted)
        self.inertia = float(fitted.inertia_)
        return int(fitted.n_iter_), fitted.cluster_centers_

    def of(self, kind, k, start, iterations):
        return kind(k, init=start, n_init=1, max_iter=iterations, tol=self.tolerance, algorithm=self.algorithm)

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


class MiniBatch(ScikitLearn):
    """sklearn.cluster.MiniBatchKMeans. An iteration is a pass over the rows, in its usual batches of 1024."""

    # One pass is many steps: there is nothing of ours to compare it with.
    steps = False

    def fit(self, rows, start, iterations):
        from sklearn.cluster import MiniBatchKMeans

        fitted = MiniBatchKMeans(
            len(start), init=start, n_init=1, max_iter=iterations, tol=0.0, max_no_improvement=None, random_state=0
        ).fit(rows)
        self.inertia = float(fitted.inertia_)
        return int(fitted.n_iter_), fitted.cluster_centers_


if __name__ == "__main__":
    kind = sys.argv.pop(1)
    adapter.run(MiniBatch() if kind == "minibatch" else ScikitLearn(kind), __doc__)
