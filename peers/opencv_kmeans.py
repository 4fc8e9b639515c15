"""OpenCV: cv2.kmeans, from the labels of the given start."""

import adapter
import lloyd


class OpenCv(adapter.Library):
    """cv2.kmeans. It takes labels instead of centroids, updates first, and does no less than two
    updates: labels of the start, and the one iteration that is compared closely, are the adapter's.
    """

    # The row of the largest cluster that is farthest from its centroid; in the iteration that is the adapter's, it stays.
    empty = "farthest-of-largest"

    def version(self):
        return adapter.named("opencv-python-headless", "numpy")

    def prepare(self, job):
        import cv2

        if not job.fixed:
            raise adapter.CannotRun("it does not say how many iterations it did: give a number of iterations")
        if job.iterations < 2:
            raise adapter.CannotRun("it does no less than two iterations")
        cv2.setNumThreads(job.threads)

    def fit(self, rows, start, iterations):
        import cv2
        import numpy as np

        labels = np.empty(len(rows), dtype=np.int32)
        norms = lloyd.norms(start)
        for first, batch in lloyd.batches(rows, lloyd.BATCH):
            labels[first : first + len(batch)] = lloyd.nearest(batch, start, norms)
        if iterations == 1:
            counts = np.bincount(labels, minlength=len(start))
            sums = np.zeros(start.shape)
            np.add.at(sums, labels, rows)
            return 1, lloyd.means(sums, counts, start)
        end = (cv2.TERM_CRITERIA_MAX_ITER, iterations, 0.0)
        # The labels that it returns are of the centroids before its last update, and so is this sum.
        self.inertia, _, centroids = cv2.kmeans(rows, len(start), labels, end, 1, cv2.KMEANS_USE_INITIAL_LABELS)
        return iterations, centroids


if __name__ == "__main__":
    adapter.run(OpenCv(), __doc__)
