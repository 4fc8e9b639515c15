#!/bin/sh
# make bench-peers: ours against scikit-learn, oneDAL and faiss. Arguments go to benches/peers/bench.py (--help lists them).
# The peers live in the virtual environment of 'make peers'. AMDAHL_WORKER names a worker that is already built; PYTHON another Python.
set -eu
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
scripts/peers.sh --python
mkdir -p "$target/bench-peers"

worker=${AMDAHL_WORKER:-}
if [ -z "$worker" ]; then
    scripts/build.sh worker
    worker=$target/bin/amdahl-worker
fi
exec "$target/peers/venv/bin/python" benches/peers/bench.py --worker "$worker" --scratch "$target/bench-peers" "$@"
