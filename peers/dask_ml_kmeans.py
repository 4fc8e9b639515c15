"""dask-ml: KMeans on an array in blocks, by the threads of this process."""

import adapter


class DaskMl(adapter.Library):
    """dask_ml.cluster.KMeans. Its own sum is of unsquared distances where a number of iterations ends
    it: it is not kept, the judge has ours."""

    empty = "zero"

    def version(self):
        return adapter.named("dask-ml", "dask", "scikit-learn", "numpy")

    def prepare(self, job):
        import dask

        # Its rule is about how far centroids move together, absolutely.
        job.needs_no_tolerance()
        if not job.fixed:
            raise adapter.CannotRun("without a tolerance it never ends before its limit: give a number of iterations")
        self.threads = job.threads
        dask.config.set(scheduler="threads", num_workers=job.threads)

    def fit(self, rows, start, iterations):
        import dask.array
        from dask_ml.cluster import KMeans

        blocks = dask.array.from_array(rows, chunks=(-(-len(rows) // self.threads), rows.shape[1]))
        fitted = KMeans(len(start), init=start, max_iter=iterations, tol=0.0).fit(blocks)
        return fitted.n_iter_, fitted.cluster_centers_


if __name__ == "__main__":
    adapter.run(DaskMl(), __doc__)
