#!/bin/sh
# make writers: the packages that people write data files with, in <target>/writers, from tests/writers/requirements.txt. Only the tests
# of readers want them. PYTHON names another Python.
set -eu
cd "$(dirname "$0")/.."

venv=${CARGO_TARGET_DIR:-target}/writers
wanted=tests/writers/requirements.txt
python=${PYTHON:-python3}

cmp -s "$wanted" "$venv/requirements.txt" && exit 0
echo "writers: making a virtual environment in $venv" >&2
rm -rf "$venv"
"$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --only-binary :all: -r "$wanted"
# Last, so that a half-made environment is made again.
cp "$wanted" "$venv/requirements.txt"
