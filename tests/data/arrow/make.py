"""Writes the Arrow files beside it with pyarrow and polars.

    python -m venv venv && venv/bin/pip install pyarrow==26.0.1 polars==2.1.0 && venv/bin/python make.py

Column by column and for row i of 40: `x` i/2 - 3 (f64), `n` i (i8), `even` whether i is even, `half` i/8 (f16), `d` i - 1/4 (decimal),
`v` the vector i, -i (f32, a list of fixed size), `list` the same as a list, and `name` the label: "a" to "d" by i mod 4, "d" written out as a
text longer than twelve bytes.
"""

import decimal
import pathlib

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.feather

HERE = pathlib.Path(__file__).parent
N = 40
ROWS = range(N)
PAIRS = np.array([[i, -i] for i in ROWS], np.float32).ravel()
NAMES = pa.array([["a", "b", "c", "d, the last of four"][i % 4] for i in ROWS])
TABLE = pa.table({
    "x": pa.array([i / 2 - 3 for i in ROWS]),
    "n": pa.array(list(ROWS), pa.int8()),
    "even": pa.array([i % 2 == 0 for i in ROWS]),
    "half": pa.array([np.float16(i / 8) for i in ROWS]),
    "d": pa.array([decimal.Decimal(i) - decimal.Decimal("0.25") for i in ROWS], pa.decimal128(10, 2)),
    "v": pa.FixedSizeListArray.from_arrays(pa.array(PAIRS), 2),
    "list": pa.ListArray.from_arrays(np.arange(0, 2 * N + 1, 2, dtype=np.int32), pa.array(PAIRS)),
    "name": NAMES,
})


def stream(name, table, rows, **options):
    with pa.ipc.new_stream(HERE / name, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as sink:
        sink.write_table(table, max_chunksize=rows)


pa.feather.write_feather(TABLE, HERE / "lz4.feather", compression="lz4", chunksize=17)
pa.feather.write_feather(TABLE, HERE / "plain.feather", compression="uncompressed", chunksize=7)
stream("zstd.arrows", TABLE, 17, compression="zstd")
pl.from_arrow(TABLE).write_ipc(HERE / "polars.arrow")
categories = TABLE.set_column(7, "name", NAMES.dictionary_encode())
pa.feather.write_feather(categories, HERE / "categories.feather", compression="uncompressed")
# Batches with dictionaries of their own; then with one that grows.
batches = [pa.table({"x": TABLE["x"][i:i + 2], "name": NAMES[i:i + 2].dictionary_encode()}) for i in (0, 2, 0)]
with pa.ipc.new_stream(HERE / "replaced.arrows", batches[0].schema) as sink:
    for batch in batches:
        sink.write_table(batch)
with pa.ipc.new_stream(HERE / "deltas.arrows", batches[0].schema, options=pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)) as sink:
    texts = NAMES[:4]
    for known, codes in ((2, [0, 1]), (4, [2, 3]), (4, [0, 1])):
        names = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), texts[:known])
        sink.write_table(pa.table({"x": pa.array([0.0, 1.0]), "name": names}))
stream("null.arrows", pa.table({"x": [0.0, 1.0, None, 3.0]}), 2)
stream("ragged.arrows", pa.table({"v": [[1.0, 2.0], [3.0, 4.0], [5.0]], "y": [1, 2, 3]}), 2)
(HERE / "feather-1.feather").write_bytes(b"FEA1" + bytes(20) + b"FEA1")
