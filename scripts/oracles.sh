#!/bin/sh
# Compares the programs of accelerators under two other compilers, XLA on the processor and IREE, with the serial backend. Both come from
# PyPI into an environment of their own below target/. --python makes the environment alone.
set -eu
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
venv=$(cd "$(dirname "$target")" && pwd)/$(basename "$target")/oracles/venv
if ! "$venv/bin/python" -c 'import jax, iree.compiler, iree.runtime, ml_dtypes, pypjrt' 2>/dev/null; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r scripts/oracles-requirements.txt
fi
[ "${1:-}" != --python ] || exit 0
AMDAHL_ORACLES="$venv/bin/python" cargo test --release --no-default-features --test all -- oracles:: conform:: --nocapture
