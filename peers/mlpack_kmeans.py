"""mlpack: its Lloyd iterations 'naive', 'elkan', 'hamerly' and 'dualtree'. It computes in f64."""

import sys

import adapter


class Mlpack(adapter.Library):
    """mlpack.kmeans. It does not say how many iterations it did."""

    tells_iterations = False
    # A row that is farthest from the mean of the cluster with the largest variance.
    empty = "farthest-of-loosest"

    def __init__(self, algorithm):
        self.algorithm = algorithm

    def version(self):
        return adapter.named("mlpack", "numpy")

    def prepare(self, job):
        import mlpack  # noqa: F401  OpenMP takes its number of threads from the environment, when it is loaded.

        if not job.fixed:
            raise adapter.CannotRun("it does not say how many iterations it did: give a number of iterations")

    def fit(self, rows, start, iterations):
        import mlpack

        # A start in f64 would be overwritten with the answer; one that is copied is not.
        found = mlpack.kmeans(
            input_=rows,
            clusters=len(start),
            initial_centroids=start,
            max_iterations=iterations,
            algorithm=self.algorithm,
            labels_only=True,
            copy_all_inputs=True,
        )
        return iterations, found["centroid"]


if __name__ == "__main__":
    algorithm = sys.argv.pop(1)
    adapter.run(Mlpack(algorithm), __doc__)
