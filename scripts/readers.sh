#!/bin/sh
# make readers: the tools that read what 'amdahl export' writes, in <target>/readers, from tests/readers/requirements.txt, and compare.py of
# Google Benchmark, which is in no registry. Only the tests of exports want them. PYTHON names another Python.
set -eu
cd "$(dirname "$0")/.."

venv=${CARGO_TARGET_DIR:-target}/readers
wanted=tests/readers/requirements.txt
python=${PYTHON:-python3}
benchmark=https://github.com/google/benchmark
revision=267a11154f14269384879dc7f6b8d25acb3684db

if ! cmp -s "$wanted" "$venv/requirements.txt"; then
    echo "readers: making a virtual environment in $venv" >&2
    rm -rf "$venv"
    "$python" -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --only-binary :all: -r "$wanted"
    # Last, so that a half-made environment is made again.
    cp "$wanted" "$venv/requirements.txt"
fi

tools=$venv/benchmark
[ -f "$tools/tools/compare.py" ] && exit 0
rm -rf "$tools"
git init --quiet "$tools"
if git -C "$tools" fetch --quiet --depth 1 "$benchmark" "$revision" && git -C "$tools" checkout --quiet FETCH_HEAD; then
    exit 0
fi
rm -rf "$tools"
echo "readers: no compare.py: $benchmark cannot be reached; AMDAHL_COMPARE=FILE names one for the tests" >&2
