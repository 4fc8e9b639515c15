"""faiss.Kmeans on the CPU; every row is used."""

import adapter


class Faiss(adapter.Library):
    # It takes half of a large one's place.
    empty = "split"

    def version(self):
        return adapter.named("faiss-cpu", "numpy")

    def prepare(self, job):
        import faiss

        if not job.fixed:
            raise adapter.CannotRun("it has no rule of convergence: give a number of iterations")
        faiss.omp_set_num_threads(job.threads)

    def fit(self, rows, start, iterations):
        import faiss

        all_rows = {"min_points_per_centroid": 1, "max_points_per_centroid": len(rows)}
        kmeans = faiss.Kmeans(rows.shape[1], len(start), niter=iterations, seed=1, **all_rows)
        kmeans.train(rows, init_centroids=start)
        # The objective before its last update.
        self.inertia = float(kmeans.obj[-1])
        return len(kmeans.iteration_stats), kmeans.centroids


if __name__ == "__main__":
    adapter.run(Faiss(), __doc__)
