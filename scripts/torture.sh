#!/bin/sh
# make torture: attacks on readers, records, manifests, sweeps and environments, far more than in `make test`. TIMES (50 where absent) says
# how many times as many; its counts are what docs/reliability.md tells. An hour on two cores, outside continuous integration.
set -eu
cd "$(dirname "$0")/.."

times=${TIMES:-50}
target=${CARGO_TARGET_DIR:-target}
scripts/build.sh worker
target=$(cd "$target" && pwd)
AMDAHL_WORKER="$target/bin/amdahl-worker"
AMDAHL_TORTURE=$times
AMDAHL_FUZZ=$((times * 10000))
AMDAHL_FLIPS=$((times * 200))
export AMDAHL_WORKER AMDAHL_TORTURE AMDAHL_FUZZ AMDAHL_FLIPS

cargo test --release --no-default-features -p amdahl-record --test flips -- --nocapture
cargo test --release --no-default-features --test all -- --nocapture torture:: fuzz::
