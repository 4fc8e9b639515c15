#!/bin/sh
# cv2.kmeans does two iterations where it is asked for one, and gives initial labels of shape (n,) back as they were.
#
# Expected: with initial labels and a limit of N iterations, cv2.kmeans returns the centroids after N of Lloyd's updates, with labels by
# these centroids, or at least by those before the last update.
# Seen with opencv-python-headless 5.0.0.93: a limit of 1 gives the centroids after two updates, those of a limit of 2. With initial labels
# of shape (n, 1), labels are by the centroids before the last update, and the compactness is of these. With shape (n,), which is taken
# without a word, the same centroids and compactness come with the initial labels, unchanged.
#
# Needs python3 with venv, and its registry. Works in a temporary folder; fails when any of that changes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 numpy==2.4.6

cat >look.py <<'PYTHON'
import cv2
import numpy as np

# Whole numbers on a line: means of few of them, and no ties.
rows = np.array([i * i % 97 for i in range(60)], dtype=np.float32).reshape(-1, 1)
start = np.array([[0], [1], [2]], dtype=np.float32)


def nearest(centroids):
    return ((rows - centroids.T) ** 2).argmin(axis=1).astype(np.int32)


def lloyd(updates):
    labels = nearest(start)
    for _ in range(updates):
        centroids = np.array([rows[labels == j].mean(axis=0) for j in range(3)])
        labels = nearest(centroids)
    return centroids


for shape in ((60, 1), (60,)):
    for limit in (1, 2, 3):
        given = nearest(start).reshape(shape)
        end = (cv2.TERM_CRITERIA_MAX_ITER, limit, 0.0)
        compactness, labels, centroids = cv2.kmeans(rows, 3, given.copy(), end, 1, cv2.KMEANS_USE_INITIAL_LABELS)
        labels = labels.ravel()
        updates = [n for n in range(1, 6) if np.allclose(centroids, lloyd(n), atol=1e-3)]
        by = [n for n in range(1, 6) if np.array_equal(labels, nearest(lloyd(n)))]
        as_given = np.array_equal(labels, given.ravel())
        print(f"{shape} limit {limit}: centroids after {updates}, labels by those after {by}, as given: {as_given}, compactness {compactness:.0f}")
PYTHON
venv/bin/python look.py | tee seen.txt

cat >wanted.txt <<'SEEN'
(60, 1) limit 1: centroids after [2], labels by those after [1], as given: False, compactness 19887
(60, 1) limit 2: centroids after [2], labels by those after [1], as given: False, compactness 19887
(60, 1) limit 3: centroids after [3], labels by those after [2], as given: False, compactness 11776
(60,) limit 1: centroids after [2], labels by those after [], as given: True, compactness 19887
(60,) limit 2: centroids after [2], labels by those after [], as given: True, compactness 19887
(60,) limit 3: centroids after [3], labels by those after [], as given: True, compactness 11776
SEEN
cmp seen.txt wanted.txt && echo "as it was found"
