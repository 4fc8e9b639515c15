#!/bin/sh
# A compressed data set that h5py 3.16 writes with libver="latest" cannot be opened by the HDF5 library of the release line before.
#
# Expected: HDF5 1.14, whose files of libver="latest" everybody has read for years, reads a gzip-compressed data set of a newer h5py's
# "latest" too, or at least says which version of the library is needed.
# Seen: h5py 3.16.0 brings HDF5 2.0, which writes the layout message of such a data set in version 5. h5py 3.14.0 (HDF5 1.14) opens the file
# and its contiguous data set, and fails on the compressed one with a message about a bad version number. With libver="v114" it reads both.
#
# Needs python3 with venv, and PyPI. Works in a temporary folder; fails when either behaviour changes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

for version in 3.14.0 3.16.0; do
	python3 -m venv "$version"
	"$version/bin/pip" install --quiet --disable-pip-version-check "h5py==$version" numpy==2.3.5
done

cat >write.py <<'PYTHON'
import h5py
import numpy

print(f"writer: HDF5 {h5py.version.hdf5_version.rsplit('.', 1)[0]}")
for libver in ("v114", "latest"):
    with h5py.File(f"{libver}.h5", "w", libver=libver) as file:
        file["plain"] = numpy.arange(6.0)
        file.create_dataset("gzip", data=numpy.arange(6.0), chunks=(3,), compression="gzip")
PYTHON
cat >read.py <<'PYTHON'
import h5py

print(f"reader: HDF5 {h5py.version.hdf5_version.rsplit('.', 1)[0]}")
for libver in ("v114", "latest"):
    with h5py.File(f"{libver}.h5") as file:
        for name in ("plain", "gzip"):
            try:
                print(libver, name, file[name][:].sum())
            except (KeyError, OSError) as error:
                print(libver, name, "not read:", "version" in str(error))
PYTHON
3.16.0/bin/python write.py | tee seen.txt
3.14.0/bin/python read.py | tee -a seen.txt

cat >wanted.txt <<'SEEN'
writer: HDF5 2.0
reader: HDF5 1.14
v114 plain 15.0
v114 gzip 15.0
latest plain 15.0
latest gzip not read: True
SEEN
cmp seen.txt wanted.txt && echo "as it was found"
