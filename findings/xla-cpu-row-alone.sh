#!/bin/sh
# XLA on a processor: a row's scores have other bits when the row is alone than when it is in a block with others.
#
# Expected: `dot_general` with precision HIGHEST gives a row the same scores whatever rows stand beside it. Nothing promises that, but rows
# of 2 to 1024 keep it, and whoever splits rows over batches, blocks or machines leans on it.
# Seen with jaxlib 0.10.2: of 10 scores of the first of 2048 rows (784 columns), all 10 differ once the row is multiplied alone; in blocks of
# 2, 8, 128 and 1024 rows none does. A product with one row takes another path of the compiler, which adds in another order. Each form
# repeats its own bits, so it is no noise.
#
# Needs python3 (3.11 or newer) with venv, and PyPI. Works in a temporary folder; fails when the behaviour changes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check jax==0.10.2 jaxlib==0.10.2 numpy==2.4.6

cat >alone.py <<'PYTHON'
import jax
import jaxlib
import numpy

random = numpy.random.default_rng(1)
rows = random.normal(size=(2048, 784)).astype(numpy.float32)
centroids = random.normal(size=(10, 784)).astype(numpy.float32)


@jax.jit
def scores(x, c):
    return jax.lax.dot_general(x, c, (((1,), (1,)), ((), ())), precision=jax.lax.Precision.HIGHEST)


whole = numpy.asarray(scores(rows, centroids))
print("jaxlib", jaxlib.__version__, jax.devices()[0].platform)
for count in (1, 2, 8, 128, 1024):
    part, again = (numpy.asarray(scores(rows[:count], centroids)) for _ in range(2))
    same = numpy.array_equal(part, again)
    print(f"{count} rows: {(part != whole[:count]).sum()} of {part.size} scores differ; repeated the same: {same}")
PYTHON
JAX_PLATFORMS=cpu venv/bin/python alone.py | tee seen.txt

cat >wanted.txt <<'SEEN'
jaxlib 0.10.2 cpu
1 rows: 10 of 10 scores differ; repeated the same: True
2 rows: 0 of 20 scores differ; repeated the same: True
8 rows: 0 of 80 scores differ; repeated the same: True
128 rows: 0 of 1280 scores differ; repeated the same: True
1024 rows: 0 of 10240 scores differ; repeated the same: True
SEEN
cmp seen.txt wanted.txt && echo "as it was found"
