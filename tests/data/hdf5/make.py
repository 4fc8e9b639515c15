"""Writes the HDF5 files beside it with h5py.

    python -m venv venv && venv/bin/pip install h5py==3.16.0 && venv/bin/python make.py

Each has a data set `train` of 10 rows of three columns, whose value in row i and column j is 3 i + j - 7 (f32); `several` has `test` (f64, the
last four rows, negative), `labels` (u8: i mod 3) and the group `more` with `inner` (i16, big-endian) beside.
"""

import pathlib

import h5py
import numpy as np

HERE = pathlib.Path(__file__).parent
TRAIN = (np.arange(30).reshape(10, 3) - 7).astype(np.float32)


def write(name, libver=None, **options):
    with h5py.File(HERE / f"{name}.hdf5", "w", libver=libver) as file:
        file.create_dataset("train", data=TRAIN, track_times=False, **options)


with h5py.File(HERE / "several.hdf5", "w") as file:
    file.create_dataset("train", data=TRAIN, track_times=False)
    file.create_dataset("test", data=-TRAIN[-4:].astype(np.float64), track_times=False)
    file.create_dataset("labels", data=np.arange(10, dtype=np.uint8) % 3, track_times=False)
    file.create_group("more").create_dataset("inner", data=TRAIN.astype(">i2"), track_times=False)
write("contiguous")
write("latest", libver="latest")
write("gzip", compression="gzip", shuffle=True, fletcher32=True, chunks=(4, 2))
write("lzf", compression="lzf", chunks=(10, 3))
write("growing", maxshape=(None, 3), chunks=(3, 3))
write("latest-chunks", libver="latest", chunks=(4, 2))
write("latest-gzip", libver="v110", chunks=(4, 3), compression="gzip")
write("latest-one", libver="latest", chunks=(10, 3), compression="gzip")
