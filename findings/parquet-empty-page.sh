#!/bin/sh
# The crate `parquet` (Rust, without arrow) stops a read at a data page that holds no values, although rows follow.
#
# Expected: a column chunk of 2 rows in three data pages of 1, 0 and 1 values; a `read_records` for up to 10 records returns both. The
# format does not forbid a page of no values, and pyarrow reads such a file as [1.0, 2.0].
# Seen with parquet 60.1.0: the first call returns 1 record without an error, and the second the other. Its reader takes a page of 0
# values for the end of the column (`has_next` in column/reader.rs), so whoever takes a short count for the end loses rows in silence.
#
# Needs python3 with venv, cargo, and the registries of both. Works in a temporary folder; fails when either behaviour changes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyarrow==26.0.1

cat >pages.py <<'PYTHON'
"""A Parquet file of one REQUIRED FLOAT column, plain and uncompressed, in pages of 1, 0 and 1 values."""
import struct
import pyarrow.parquet

I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def number(n):
    return varint(n << 1)


def text(s):
    return varint(len(s)) + s


def items(kind, values):
    return bytes([len(values) << 4 | kind]) + b"".join(values)


def record(*fields):
    """A struct of Thrift's compact protocol from (number, type, bytes), numbers rising."""
    out, before = b"", 0
    for place, kind, value in fields:
        out += bytes([place - before << 4 | kind]) + value
        before = place
    return out + b"\0"


def page(values):
    body = struct.pack(f"<{len(values)}f", *values)
    data = record((1, I32, number(len(values))), (2, I32, number(0)), (3, I32, number(3)), (4, I32, number(3)))
    sizes = number(len(body))
    return record((1, I32, number(0)), (2, I32, sizes), (3, I32, sizes), (5, STRUCT, data)) + body


pages = page([1.0]) + page([]) + page([2.0])
length = number(len(pages))
column = record(
    (1, I32, number(4)), (2, LIST, items(I32, [number(0)])), (3, LIST, items(BINARY, [text(b"x")])),
    (4, I32, number(0)), (5, I64, number(2)), (6, I64, length), (7, I64, length), (9, I64, number(4)),
)
group = record(
    (1, LIST, items(STRUCT, [record((2, I64, number(4)), (3, STRUCT, column))])), (2, I64, length), (3, I64, number(2))
)
root = record((4, BINARY, text(b"schema")), (5, I32, number(1)))
leaf = record((1, I32, number(4)), (3, I32, number(0)), (4, BINARY, text(b"x")))
footer = record(
    (1, I32, number(1)), (2, LIST, items(STRUCT, [root, leaf])), (3, I64, number(2)), (4, LIST, items(STRUCT, [group]))
)
with open("pages.parquet", "wb") as file:
    file.write(b"PAR1" + pages + footer + struct.pack("<I", len(footer)) + b"PAR1")
print("pyarrow", pyarrow.__version__, pyarrow.parquet.read_table("pages.parquet")["x"].to_pylist())
PYTHON
venv/bin/python pages.py | tee seen.txt

mkdir -p reader/src
cat >reader/Cargo.toml <<'TOML'
[package]
name = "reader"
version = "0.0.0"
edition = "2021"

[dependencies]
parquet = { version = "=60.1.0", default-features = false }

[workspace]
TOML
cat >reader/src/main.rs <<'RUST'
use parquet::column::reader::ColumnReader;
use parquet::file::reader::{FileReader, SerializedFileReader};

fn main() {
    let file = std::fs::File::open("pages.parquet").unwrap();
    let file = SerializedFileReader::new(file).unwrap();
    let rows = file.metadata().file_metadata().num_rows();
    let group = file.get_row_group(0).unwrap();
    let ColumnReader::FloatColumnReader(mut column) = group.get_column_reader(0).unwrap() else { unreachable!() };
    let mut values = Vec::new();
    let first = column.read_records(10, None, None, &mut values).unwrap().0;
    let second = column.read_records(10, None, None, &mut values).unwrap().0;
    println!("parquet: {rows} rows said, {first} then {second} records read: {values:?}");
}
RUST
cargo run --quiet --manifest-path reader/Cargo.toml | tee -a seen.txt

cat >wanted.txt <<'SEEN'
pyarrow 26.0.1 [1.0, 2.0]
parquet: 2 rows said, 1 then 1 records read: [1.0, 2.0]
SEEN
cmp seen.txt wanted.txt && echo "as it was found"
