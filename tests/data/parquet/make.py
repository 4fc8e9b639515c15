"""Writes the Parquet files beside it with pyarrow: one table in many encodings.

    python -m venv venv && venv/bin/pip install pyarrow==26.0.1 pandas==3.1.1 && venv/bin/python make.py

Column by column and for row i of 40: `half` i/2 - 3 (f64), `whole` i*i - 100 (i32), `third` i mod 3 (i64), `even` whether i is even
(truth value), `small` 200 + i (u8), `name` the label: "a" to "d" by i mod 4, backwards from row 20 on.
"""

import datetime
import decimal
import pathlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent
N = 40
ROWS = range(N)
COLUMNS = {
    "half": pa.array([i / 2 - 3 for i in ROWS], pa.float64()),
    "whole": pa.array([i * i - 100 for i in ROWS], pa.int32()),
    "third": pa.array([i % 3 for i in ROWS], pa.int64()),
    "even": pa.array([i % 2 == 0 for i in ROWS], pa.bool_()),
    "small": pa.array([200 + i for i in ROWS], pa.uint8()),
    "name": pa.array(["abcd"[i % 4 if i < 20 else 3 - i % 4] for i in ROWS]),
}
TABLE = pa.table(COLUMNS)
NOTHING = {"write_statistics": False, "store_schema": False}


def write(name, table=TABLE, **options):
    pq.write_table(table, HERE / f"{name}.parquet", **{**NOTHING, **options})


# As pandas.DataFrame.to_parquet writes it: Snappy, dictionaries, statistics.
write("usual", write_statistics=True)
for codec in ["gzip", "zstd", "lz4"]:
    write(codec, compression=codec, row_group_size=16)
write("plain", compression="none", use_dictionary=False, row_group_size=7, data_page_size=32, write_batch_size=3)
encodings = {"half": "BYTE_STREAM_SPLIT", "whole": "DELTA_BINARY_PACKED", "third": "DELTA_BINARY_PACKED", "even": "RLE",
             "small": "BYTE_STREAM_SPLIT", "name": "PLAIN"}
write("encodings", compression="none", use_dictionary=False, column_encoding=encodings, data_page_version="2.0",
      write_page_checksum=True, row_group_size=33)
write("version-2", data_page_version="2.0", compression="snappy", data_page_size=64, write_batch_size=8)
required = pa.schema([pa.field(field.name, field.type, nullable=False) for field in TABLE.schema])
write("required", TABLE.cast(required), compression="none")

write("brotli", compression="brotli", row_group_size=16)

# Half precision (i/8 - 1), and decimals (i*i - 100.25) of three widths, the last with and without a dictionary.
halves = pa.array([np.float16(i / 8 - 1) for i in ROWS], pa.float16())
sums = [decimal.Decimal(i * i) - decimal.Decimal("100.25") for i in ROWS]
others = {"half": halves, "split": halves}
others |= {f"d{digits}": pa.array(sums, pa.decimal128(digits, 2)) for digits in [9, 18, 38]}
others["plain"] = others["d38"]
write("others", pa.table(others), store_decimal_as_integer=True, use_dictionary=["half", "d38"],
      column_encoding={"split": "BYTE_STREAM_SPLIT", "d9": "DELTA_BINARY_PACKED"}, row_group_size=25)

# Columns that are no values of rows: lists, a structure of two, an index of pandas with a name, and one without.
nested = [[1, 2], [3], []]
two = [{"a": i, "b": i} for i in range(3)]
write("nested", pa.table({"x": [0.0, 1.0, 2.0], "list": nested, "two": two, "y": [1, 2, 3]}))
frame = pd.DataFrame({"x": [0.0, 1.0, 2.0], "class": [1, 0, 1]})
for name, index in [("indexed", pd.Index([70, 50, 90], name="id")), ("unnamed", [5, 7, 9])]:
    frame.set_axis(index, axis="index").to_parquet(HERE / f"{name}.parquet")

# Row i of 40: x = i, then the vector i, i + 1/2, -i as a list, and as one of fixed size in half precision; labels by differences.
vectors = np.array([[i, i + 0.5, -i] for i in ROWS], np.float32)
flat = pa.array(vectors.ravel())
made = pa.table({
    "x": pa.array([float(i) for i in ROWS]),
    "list": pa.ListArray.from_arrays(np.arange(0, 3 * N + 1, 3, dtype=np.int32), flat),
    "fixed": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel().astype(np.float16)), 3),
    "name": COLUMNS["name"],
})
write("vectors", made, compression="zstd", row_group_size=17)
spread = {"list.list.element": "BYTE_STREAM_SPLIT", "fixed.list.element": "DELTA_BYTE_ARRAY", "x": "PLAIN", "name": "DELTA_BYTE_ARRAY"}
write("vectors-pages", made, compression="none", use_dictionary=False, column_encoding=spread, data_page_size=32, write_batch_size=4)
write("vectors-version-2", made, data_page_version="2.0", data_page_size=32, write_batch_size=4, use_dictionary=False,
      column_encoding={**{name: "PLAIN" for name in spread}, "name": "DELTA_LENGTH_BYTE_ARRAY"})

# What is no number by itself: a date, a moment in two units, a text.
moments = [datetime.datetime(2024, 2, 29, 12, 34, 56, 789012) + datetime.timedelta(days=i) for i in ROWS]
write("moments", pa.table({"x": made["x"], "day": pa.array(moments).cast(pa.date32()), "at": moments, "name": COLUMNS["name"]}))
write("int96", pa.table({"x": made["x"], "at": moments}), use_deprecated_int96_timestamps=True)

# What is refused.
write("null", pa.table({"x": [0.0, 1.0, None, 3.0], "y": [1, 2, 3, 4]}))
