"""SciPy: scipy.cluster.vq.kmeans2, on one thread."""

import warnings

import adapter


class Kmeans2(adapter.Library):
    """scipy.cluster.vq.kmeans2. It always does the iterations that it is told to."""

    empty = "stays"

    def version(self):
        return adapter.named("scipy", "numpy")

    def prepare(self, job):
        if not job.fixed:
            raise adapter.CannotRun("it has no rule of convergence: give a number of iterations")

    def fit(self, rows, start, iterations):
        from scipy.cluster.vq import kmeans2

        with warnings.catch_warnings():
            # Of a cluster without rows: the judge says it.
            warnings.simplefilter("ignore")
            centroids, _ = kmeans2(rows, start, iter=iterations, minit="matrix")
        return iterations, centroids


if __name__ == "__main__":
    adapter.run(Kmeans2(), __doc__)
