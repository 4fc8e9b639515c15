"""oneDAL: by scikit-learn-intelex, or by its older interface daal4py."""

import sys

import adapter
from scikit_learn import ScikitLearn


class OneDal(ScikitLearn):
    """sklearnex.cluster.KMeans."""

    inner = None

    def version(self):
        return adapter.named("scikit-learn-intelex", "daal", "scikit-learn", "numpy")

    def prepare(self, job):
        import daal4py

        daal4py.daalinit(job.threads)
        super().prepare(job)

    def fit(self, rows, start, iterations):
        from sklearnex.cluster import KMeans

        fitted = self.of(KMeans, len(start), start, iterations).fit(rows)
        self.check(fitted)
        self.inertia = float(fitted.inertia_)
        return int(fitted.n_iter_), fitted.cluster_centers_

    def check(self, fitted):
        if not hasattr(fitted, "_onedal_estimator"):
            raise adapter.CannotRun("scikit-learn-intelex did not hand this to oneDAL")


class Daal4py(adapter.Library):
    """daal4py.kmeans. It stops by a rule of its own, so it is given a number of iterations."""

    empty = "farthest"

    def version(self):
        return "daal4py of " + adapter.named("scikit-learn-intelex", "daal", "numpy")

    def prepare(self, job):
        import daal4py

        if not job.fixed:
            raise adapter.CannotRun("its rule of convergence is another than ours: give a number of iterations")
        daal4py.daalinit(job.threads)

    def fit(self, rows, start, iterations):
        import daal4py

        algorithm = daal4py.kmeans(
            nClusters=len(start), maxIterations=iterations, accuracyThreshold=0, fptype="float", assignFlag=False
        )
        result = algorithm.compute(rows, start)
        self.inertia = float(result.objectiveFunction[0, 0])
        return int(result.nIterations[0, 0]), result.centroids


if __name__ == "__main__":
    kind = sys.argv.pop(1)
    adapter.run({"sklearnex": OneDal, "daal4py": Daal4py}[kind](), __doc__)
