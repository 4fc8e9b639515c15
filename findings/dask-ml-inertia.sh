#!/bin/sh
# dask-ml's KMeans calls a sum of distances that are not squared its inertia_, where the number of iterations ends it.
#
# Expected: inertia_ is the sum of squared distances of the rows to their centroids, as its documentation and scikit-learn say, however the
# fit ended.
# Seen with dask-ml 2025.1.0: it is where the fit converges; where max_iter ends it, inertia_ is the sum of the distances themselves. So
# more iterations seem to make a fit worse, and fits that ended differently cannot be compared.
#
# Needs python3 with venv, and its registry. Works in a temporary folder; fails when that changes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check dask-ml==2025.1.0 dask==2026.8.0 scikit-learn==1.9.1 numpy==2.4.6

cat >look.py <<'PYTHON'
import dask.array
import numpy as np
from dask_ml.cluster import KMeans

rng = np.random.default_rng(1)
rows = rng.normal(size=(600, 4)) * 3
for limit in (2, 300):
    fitted = KMeans(5, init=rows[:5].copy(), max_iter=limit, tol=1e-9).fit(dask.array.from_array(rows, chunks=(300, 4)))
    squares = ((rows[:, None] - fitted.cluster_centers_) ** 2).sum(axis=2).min(axis=1)
    is_sum = [name for name, total in (("squared", squares.sum()), ("plain", np.sqrt(squares).sum())) if np.isclose(fitted.inertia_, total, rtol=1e-3)]
    print(f"max_iter {limit}: ended by it: {fitted.n_iter_ >= limit}; inertia_ adds up {' and '.join(is_sum) or 'other'} distances")
PYTHON
venv/bin/python -W ignore look.py | tee seen.txt

cat >wanted.txt <<'SEEN'
max_iter 2: ended by it: True; inertia_ adds up plain distances
max_iter 300: ended by it: False; inertia_ adds up squared distances
SEEN
cmp seen.txt wanted.txt && echo "as it was found"
