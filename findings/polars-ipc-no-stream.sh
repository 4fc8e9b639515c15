#!/bin/sh
# An Arrow IPC file of polars holds no stream between its magic number and its footer, although the format says so.
#
# Expected: the columnar format's page describes a file as the magic number, padding to 8 bytes, the streaming format, and a footer. So
# whoever reads message by message may start at byte 8 of a file, as of a file that pyarrow wrote.
# Seen with polars 2.1.0: the schema message behind the magic number has neither the continuation mark nor its length before it, and no mark
# ends the stream. pyarrow 26.0.1 reads the file by its footer, and fails to read a stream from byte 8 on; its own files it reads both ways.
#
# Needs python3 with venv, and PyPI. Works in a temporary folder; fails when either behaviour changes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyarrow==26.0.1 polars==2.1.0

cat >files.py <<'PYTHON'
import polars
import pyarrow

table = pyarrow.table({"x": [1.0, 2.0]})
with pyarrow.ipc.new_file("pyarrow.arrow", table.schema) as sink:
    sink.write_table(table)
polars.from_arrow(table).write_ipc("polars.arrow")
for name in ("pyarrow", "polars"):
    bytes_ = open(f"{name}.arrow", "rb").read()
    whole = pyarrow.ipc.open_file(pyarrow.BufferReader(bytes_)).read_all()["x"].to_pylist()
    try:
        inner = pyarrow.ipc.open_stream(pyarrow.BufferReader(bytes_[8:])).read_all()["x"].to_pylist()
    except (pyarrow.ArrowInvalid, OSError):
        inner = "no stream"
    print(f"{name}: byte 8 is {bytes_[8]:02x}, by its footer {whole}, as a stream {inner}")
PYTHON
venv/bin/python files.py | tee seen.txt

cat >wanted.txt <<'SEEN'
pyarrow: byte 8 is ff, by its footer [1.0, 2.0], as a stream [1.0, 2.0]
polars: byte 8 is 04, by its footer [1.0, 2.0], as a stream no stream
SEEN
cmp seen.txt wanted.txt && echo "as it was found"
