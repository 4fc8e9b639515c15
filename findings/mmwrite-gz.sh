#!/bin/sh
# scipy.io.mmwrite("a.mtx.gz") writes a file of another name that is not compressed, while mmread takes that name.
#
# Expected: mmwrite and mmread are a pair: mmread documents that it reads .mtx.gz, so writing to such a name compresses, or is refused.
# Seen with SciPy 1.17.1: mmwrite appends .mtx to every name that does not end with it, so the file is a.mtx.gz.mtx, plain text, and
# mmread("a.mtx.gz") does not find one. A file object of the module gzip as the target works.
#
# Needs python3 with venv, and PyPI. Works in a temporary folder; fails when either behaviour changes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check scipy==1.17.1 numpy==2.4.6

cat >write.py <<'PYTHON'
import gzip
import os

import numpy
import scipy.io

matrix = numpy.eye(2)
scipy.io.mmwrite("a.mtx.gz", matrix)
names = sorted(name for name in os.listdir() if name.startswith("a."))
print(names, open(names[0], "rb").read(14))
try:
    scipy.io.mmread("a.mtx.gz")
except FileNotFoundError:
    print("mmread: no such file")
with gzip.open("b.mtx.gz", "wb") as file:
    scipy.io.mmwrite(file, matrix)
print("through gzip:", scipy.io.mmread("b.mtx.gz").tolist())
PYTHON
venv/bin/python write.py | tee seen.txt

cat >wanted.txt <<'SEEN'
['a.mtx.gz.mtx'] b'%%MatrixMarket'
mmread: no such file
through gzip: [[1.0, 0.0], [0.0, 1.0]]
SEEN
cmp seen.txt wanted.txt && echo "as it was found"
