"""Arrays and text: NumPy, h5py, SciPy, scikit-learn, pandas, polars and DuckDB."""

import gzip

import duckdb
import h5py
import ml_dtypes
import numpy as np
import pandas as pd
import polars as pl
import scipy.io
import scipy.sparse
import sklearn.datasets

from common import ROWS, base

ROUND = np.random.default_rng(2).standard_normal((ROWS, 5)).astype(np.float32)
COUNTS = np.arange(ROWS * 5).reshape(ROWS, 5) % 100


def arrays(folder):
    numpy_arrays(folder)
    hdf5(folder)
    vectors(folder)


def numpy_arrays(folder):
    def save(setting, array, expected=None, **options):
        file = f"numpy-{setting.replace(' ', '-')}.npy"
        read = lambda path: np.load(path).astype(np.float64) if expected is None else expected
        folder.add("NumPy", setting, file, lambda path: np.save(path, array, **options), read)

    for name in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
        source = ROUND if name[0] == "f" else COUNTS
        for order in "<>":
            save(f"{'little' if order == '<' else 'big'} {name}", source.astype(order + name))
        save(f"Fortran {name}", np.asfortranarray(source.astype(name)))
    save("values of a table", pd.DataFrame(ROUND).to_numpy())
    save("a transpose", np.ascontiguousarray(ROUND.T).T)
    save("one axis", ROUND[:, 0])
    folder.add("NumPy", "three axes", "numpy-three.npy", lambda path: np.save(path, ROUND.reshape(ROWS // 2, 2, 5)),
               lambda path: np.load(path).reshape(ROWS // 2, 10))
    folder.add("NumPy", "three axes, Fortran", "numpy-three-f.npy",
               lambda path: np.save(path, np.asfortranarray(ROUND.reshape(ROWS // 2, 2, 5))),
               lambda path: np.load(path).reshape(ROWS // 2, 10))
    rounded = ROUND.astype(ml_dtypes.bfloat16)
    save("bfloat16 of ml_dtypes", rounded, rounded.astype(np.float64))
    save("bfloat16 of ml_dtypes, Fortran", np.asfortranarray(rounded), rounded.astype(np.float64))
    for setting, array in (("truth values", ROUND > 0), ("complex", ROUND.astype(complex)), ("long double", ROUND.astype(np.longdouble))):
        folder.add("NumPy", setting, f"numpy-{setting.replace(' ', '-')}.npy", lambda path: np.save(path, array), None,
                   refused="expected integers or floats of a fixed size")


def hdf5(folder):
    def write(path, **options):
        libver = options.pop("libver", None)
        with h5py.File(path, "w", libver=libver) as file:
            file.create_dataset("train", data=ROUND, **options)
            file.create_dataset("test", data=ROUND[:7] * 2)
            file.create_dataset("neighbors", data=COUNTS.astype(np.int32))

    def read(name):
        def rows(path):
            with h5py.File(path) as file:
                return file[name][:].astype(np.float64)
        return rows

    def add(setting, **options):
        file = f"h5py-{setting.replace(' ', '-').replace(',', '')}.hdf5"
        folder.add("h5py", setting, file, lambda path: write(path, **options), read("train"), dataset="train")
        return file

    file = add("default")
    folder.add("h5py", "test of several", file, None, read("test"), dataset="test")
    folder.add("h5py", "integers", file, None, read("neighbors"), dataset="/neighbors")
    for libver in (None, "v108", "v110", "v112", "latest"):
        more = {} if libver is None else {"libver": libver}
        name = libver or "earliest"
        add(f"{name}, contiguous", **more)
        add(f"{name}, chunks", chunks=(7, 2), **more)
        add(f"{name}, one chunk", chunks=(7, 5), **more)
        add(f"{name}, gzip", compression="gzip", chunks=(32, 3), **more)
        add(f"{name}, gzip, shuffle, checksum", compression="gzip", shuffle=True, fletcher32=True, chunks=(50, 5), **more)
        add(f"{name}, lzf", compression="lzf", shuffle=True, **more)
        add(f"{name}, checksum", fletcher32=True, **more)
        add(f"{name}, many chunks", chunks=(1, 1), **more)
        if libver in (None, "v108"):
            add(f"{name}, growing", maxshape=(None, 5), chunks=(16, 5), compression="gzip", **more)
    add("automatic chunks", chunks=True)
    for name in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"):
        source = ROUND if name[0] == "f" else COUNTS
        for order in "<>":
            array = source.astype(order + name)

            def one(path):
                with h5py.File(path, "w") as file:
                    file["group/inner/x"] = array

            folder.add("h5py", f"{order}{name} in a group", f"h5py-{'le' if order == '<' else 'be'}-{name}.h5", one,
                       read("group/inner/x"), dataset="group/inner/x")

    def single(array, **options):
        def made(path):
            with h5py.File(path, "w", **options) as file:
                file["only"] = array
        return made

    folder.add("h5py", "the only one", "h5py-only.h5", single(ROUND), read("only"))
    folder.add("h5py", "truth values", "h5py-truth.h5", single(ROUND > 0), read("only"))
    folder.add("h5py", "one axis", "h5py-axis.h5", single(ROUND[:, 0]), read("only"))
    folder.add("h5py", "three axes in chunks", "h5py-three.h5",
               lambda path: h5py.File(path, "w").create_dataset("only", data=ROUND.reshape(ROWS // 4, 4, 5), chunks=(8, 3, 2), compression="gzip"),
               lambda path: h5py.File(path)["only"][:].reshape(ROWS // 4, 20))

    def many(path):
        with h5py.File(path, "w") as file:
            for i in range(300):
                file[f"set {i}"] = ROUND[:5] + i

    folder.add("h5py", "one of 300", "h5py-many.h5", many, read("set 217"), dataset="set 217")

    def pandas_hdf(path):
        with h5py.File(path, "w", userblock_size=512) as file:
            file["only"] = ROUND

    folder.add("h5py", "a user block", "h5py-user.h5", pandas_hdf, None, refused="one that begins with a user block")
    folder.add("h5py", "none of several is named", "h5py-default.hdf5", None, None, refused="the file has 3 data sets: 'neighbors', 'test', 'train'")
    folder.add("h5py", "no such name", "h5py-default.hdf5", None, None, dataset="trian", refused="there is no data set 'trian'")
    folder.add("h5py", "texts", "h5py-texts.h5", single(["a", "b"]), None, refused="texts or lists of any length, which is not read")
    folder.add("h5py", "records", "h5py-records.h5", single(np.zeros(3, [("a", "f4")])), None, refused="holds records, which is not read")
    folder.add("h5py", "bfloat16 of ml_dtypes", "h5py-bf16.h5", single(ROUND.astype(ml_dtypes.bfloat16)), None,
               refused="holds bytes without a meaning, which is not read")
    folder.add("h5py", "latest, growing", "h5py-latest-growing.h5",
               lambda path: write(path, libver="latest", maxshape=(None, 5), chunks=(16, 5)), None, dataset="train",
               refused="may grow, in a file of libver='latest', which is not read")
    folder.add("h5py", "chunks that were not written", "h5py-holes.h5",
               lambda path: h5py.File(path, "w").create_dataset("only", (ROWS, 5), "f4", chunks=(10, 5)).write_direct(ROUND[:10], dest_sel=np.s_[:10]),
               None, refused="rows 11 to 20 were not written")


def vectors(folder):
    """The binaries of benchmarks, as their pages tell people to write them with NumPy."""
    def vecs(array, kind):
        def write(path):
            count = np.full((len(array), 1), array.shape[1], np.int32)
            body = array.astype(kind)
            np.concatenate([count.view(np.uint8), body.view(np.uint8).reshape(len(array), -1)], axis=1).tofile(path)
        return write

    def big_ann(array, kind):
        def write(path):
            with open(path, "wb") as file:
                np.array(array.shape, np.uint32).tofile(file)
                array.astype(kind).tofile(file)
        return write

    for name, kind, source in (("fvecs", "f4", ROUND), ("bvecs", "u1", COUNTS), ("ivecs", "i4", COUNTS)):
        folder.add("NumPy", name, f"numpy.{name}", vecs(source, kind), lambda path: source.astype(kind))
    for name, kind, source in (("fbin", "f4", ROUND), ("u8bin", "u1", COUNTS), ("i8bin", "i1", COUNTS)):
        folder.add("NumPy", name, f"numpy.{name}", big_ann(source, kind), lambda path: source.astype(kind))


def text(folder):
    savetxt(folder)
    tables(folder)
    sparse(folder)


def savetxt(folder):
    for setting, options in (
        ("default", {}), ("commas", dict(delimiter=",")), ("header", dict(header="a b c d e")),
        ("header and commas", dict(delimiter=",", header="a,b,c,d,e")), ("header without sign", dict(delimiter=",", header="a,b,c,d,e", comments="")),
        ("footer", dict(footer="the end")), ("tabs", dict(delimiter="\t")), ("three digits", dict(fmt="%.3f")),
        ("ends of Windows", dict(newline="\r\n")), ("compressed", {}),
    ):
        file = f"savetxt-{setting.replace(' ', '-')}.{'csv' if 'delimiter' in options else 'txt'}{'.gz' if setting == 'compressed' else ''}"
        skip = 1 if options.get("comments") == "" else 0
        folder.add("NumPy savetxt", setting, file, lambda path: np.savetxt(path, ROUND, **options),
                   lambda path: np.loadtxt(path, delimiter=options.get("delimiter"), skiprows=skip))


def tables(folder):
    frame = pd.DataFrame(base())
    plain = lambda path: pd.read_csv(path).to_numpy(np.float64)
    for setting, options in (
        ("no index", dict(index=False)), ("semicolons", dict(index=False, sep=";")), ("tabs", dict(index=False, sep="\t")),
        ("no header", dict(index=False, header=False)), ("quoted", dict(index=False, quoting=1)),
        ("byte order mark", dict(index=False, encoding="utf-8-sig")), ("gzip", dict(index=False, compression="gzip")),
    ):
        file = f"pandas-{setting.replace(' ', '-')}.csv{'.gz' if setting == 'gzip' else ''}"
        read = lambda path: pd.read_csv(path, sep=options.get("sep", ","), header=None if options.get("header") is False else 0).to_numpy(np.float64)
        folder.add("pandas to_csv", setting, file, lambda path: frame.to_csv(path, **options), read)
    folder.add("pandas to_csv", "default, with its index", "pandas-default.csv", lambda path: frame.to_csv(path),
               lambda path: pd.read_csv(path, index_col=0).to_numpy(np.float64))
    folder.add("pandas to_csv", "columns without names", "pandas-unnamed.csv",
               lambda path: pd.DataFrame(ROUND).to_csv(path), lambda path: pd.read_csv(path, index_col=0).to_numpy(np.float64))
    folder.add("polars", "write_csv", "polars.csv", lambda path: pl.DataFrame(base()).write_csv(path), plain)
    folder.add("polars", "write_csv, no header", "polars-bare.csv", lambda path: pl.DataFrame(base()).write_csv(path, include_header=False),
               lambda path: pd.read_csv(path, header=None).to_numpy(np.float64))

    def duck(options):
        def write(path):
            made = pl.DataFrame(base()).to_arrow()
            duckdb.sql(f"copy (from made) to '{path}' (format csv{options})")
        return write

    folder.add("DuckDB", "csv", "duckdb.csv", duck(""), plain)
    folder.add("DuckDB", "csv, bars", "duckdb-semicolons.csv", duck(", delimiter ';'"),
               lambda path: pd.read_csv(path, sep=";").to_numpy(np.float64))


def sparse(folder):
    rng = np.random.default_rng(3)
    thin = scipy.sparse.random(ROWS, 40, 0.1, "csr", rng=rng)
    labels = np.arange(ROWS) % 3
    for setting, options in (
        ("from 0", {}), ("from 1", dict(zero_based=False)), ("comment", dict(comment="made by a test")),
        ("queries", dict(query_id=np.arange(ROWS) // 10)),
    ):
        def read(path):
            found = sklearn.datasets.load_svmlight_file(path, zero_based="auto")
            return found[0].toarray()

        file = f"sklearn-{setting.replace(' ', '-')}.svm"
        folder.add("scikit-learn", f"dump_svmlight_file, {setting}", file,
                   lambda path: sklearn.datasets.dump_svmlight_file(thin, labels, path, **options), read)
    folder.add("scikit-learn", "labels", "sklearn-from-0.svm", None,
               lambda path: sklearn.datasets.load_svmlight_file(path)[0].toarray(), labels="label")
    square = rng.standard_normal((30, 30))
    dense = lambda path: np.asarray(scipy.io.mmread(path))
    coordinate = lambda path: scipy.io.mmread(path).toarray()
    for setting, made, read in (
        ("array", ROUND, dense), ("array of integers", COUNTS, dense), ("symmetric array", square + square.T, dense),
        ("skew array", square - square.T, dense), ("coordinates", thin, coordinate),
        ("integer coordinates", (thin * 100).astype(np.int64), coordinate),
        ("symmetric coordinates", scipy.sparse.csr_array(square + square.T), coordinate),
    ):
        file = f"scipy-{setting.replace(' ', '-')}.mtx"
        folder.add("SciPy", f"mmwrite, {setting}", file, lambda path: scipy.io.mmwrite(path, made), read)
    folder.add("SciPy", "mmwrite, pattern", "scipy-pattern.mtx", lambda path: scipy.io.mmwrite(path, thin, field="pattern"), coordinate)

    def compressed(path):
        # Given a path, mmwrite would add .mtx to it and compress nothing.
        with gzip.open(path, "wb") as file:
            scipy.io.mmwrite(file, ROUND)

    folder.add("SciPy", "mmwrite, compressed", "scipy-array.mtx.gz", compressed, dense)
    folder.add("SciPy", "mmwrite, complex", "scipy-complex.mtx", lambda path: scipy.io.mmwrite(path, ROUND.astype(complex)), None,
               refused="'complex', which is not read")
