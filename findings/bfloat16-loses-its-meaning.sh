#!/bin/sh
# Arrays of ml_dtypes.bfloat16 lose their type on the way to a file: NumPy and h5py write them without an error as bytes without a meaning.
#
# Expected: numpy.save and h5py refuse a type that their formats cannot name (as pyarrow does), or write one that is read back as it was.
# Seen with NumPy 2.4.6, h5py 3.16.0, ml_dtypes 0.6.0: numpy.save writes the descriptor <V2, which numpy.load gives back as two bytes
# without a meaning (|V2), and which is also not what numpy.save writes of such bytes (|V2); h5py makes an opaque type of two bytes, although
# HDF5 can describe the format of any float. The values are there, and view() with the type brings them back.
#
# Needs python3 with venv, and PyPI. Works in a temporary folder; fails when either behaviour changes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check numpy==2.4.6 h5py==3.16.0 ml_dtypes==0.6.0 pyarrow==26.0.1

cat >save.py <<'PYTHON'
import h5py
import ml_dtypes
import numpy
import pyarrow

array = numpy.array([1.5, -2.0], ml_dtypes.bfloat16)
numpy.save("a.npy", array)
header = open("a.npy", "rb").read(128).decode("latin-1")
print("numpy.save:", header[header.index("'<V2'"):][:5], "numpy.load:", numpy.load("a.npy").dtype.str)
numpy.save("b.npy", numpy.zeros(2, "V2"))
print("bytes without a meaning:", "'|V2'" in open("b.npy", "rb").read(128).decode("latin-1"))
with h5py.File("a.h5", "w") as file:
    file["a"] = array
    print("h5py:", file["a"].dtype.str, file["a"].id.get_type().get_class() == h5py.h5t.OPAQUE)
print("view:", numpy.load("a.npy").view(ml_dtypes.bfloat16).astype(float).tolist())
try:
    pyarrow.array(array)
except pyarrow.ArrowNotImplementedError:
    print("pyarrow: refused")
PYTHON
venv/bin/python save.py | tee seen.txt

cat >wanted.txt <<'SEEN'
numpy.save: '<V2' numpy.load: |V2
bytes without a meaning: True
h5py: |V2 True
view: [1.5, -2.0]
pyarrow: refused
SEEN
cmp seen.txt wanted.txt && echo "as it was found"
