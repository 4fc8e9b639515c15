#!/bin/sh
# make readers: the tools that read what 'amdahl export' writes, in <target>/readers, from tests/readers/requirements.txt. Only the tests of
# exports want them. PYTHON names another Python.
set -eu
cd "$(dirname "$0")/.."

venv=${CARGO_TARGET_DIR:-target}/readers
wanted=tests/readers/requirements.txt
python=${PYTHON:-python3}

cmp -s "$wanted" "$venv/requirements.txt" && exit 0
echo "readers: making a virtual environment in $venv" >&2
rm -rf "$venv"
"$python" -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --only-binary :all: -r "$wanted"
# Last, so that a half-made environment is made again.
cp "$wanted" "$venv/requirements.txt"
