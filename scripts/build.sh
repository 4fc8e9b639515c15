#!/bin/sh
# Builds one part into target/bin: `worker` (with MPI where there is one), `lean` (amdahl without figures and report) or `full` (amdahl).
# The parts are separate invocations of cargo, because cargo unites the features of all that it builds at once.
set -eu
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
say() { echo "build: $*" >&2; }

# By rename, so that a copy that runs at this moment stays whole.
put() {
    mkdir -p "$target/bin"
    cp "$1" "$target/bin/.new-$2"
    mv "$target/bin/.new-$2" "$target/bin/$2"
}

case ${1:-} in
lean)
    cargo build --release --no-default-features --bin amdahl
    put "$target/release/amdahl" amdahl
    ;;
full)
    cargo build --release --bin amdahl
    put "$target/release/amdahl" amdahl
    ;;
worker)
    if mpi=$(scripts/mpi-name.sh); then
        if cargo build --release --no-default-features --features mpi --bin amdahl-worker --target-dir "$target/mpi-$mpi"; then
            put "$target/mpi-$mpi/release/amdahl-worker" amdahl-worker
            exit 0
        fi
        say "the worker does not build with $mpi (see above); building it without MPI"
    fi
    if [ "${AMDAHL_REQUIRE_MPI:-}" = 1 ]; then
        say "AMDAHL_REQUIRE_MPI=1, and there is no worker with MPI"
        exit 1
    fi
    cargo build --release --no-default-features --bin amdahl-worker
    put "$target/release/amdahl-worker" amdahl-worker
    ;;
*)
    echo "usage: scripts/build.sh worker|lean|full" >&2
    exit 2
    ;;
esac
