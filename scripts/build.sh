#!/bin/sh
# Builds one part into target/bin: `worker` (with MPI where there is one), `lean` (amdahl without PDF and queries) or `full` (amdahl).
# `measure` is for a sweep on this machine: worker and lean amdahl at once. Only the worker is linked to MPI, so all parts share what they
# are made of; they are separate invocations of cargo, because cargo unites the features of all that it builds at once.
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

# mpi-sys does not notice when another MPI library takes the place of the one it was
# built with, so it is cleaned then.
with_mpi() {
    mpi=$(scripts/mpi-name.sh) || return 1
    if [ -e "$target/mpi-name" ] && [ "$(cat "$target/mpi-name")" != "$mpi" ]; then
        cargo clean --release -p mpi-sys -p mpi 2>/dev/null || true
    fi
    mkdir -p "$target"
    echo "$mpi" >"$target/mpi-name"
    cargo build --release --no-default-features --features amdahl-worker/mpi "$@" && return 0
    say "the worker does not build with $mpi (see above); building it without MPI"
    return 1
}
# The reference plugin, which the worker finds beside itself. Without it, the backends pjrt-reference say that it is missing.
plugin() {
    if [ -e "$target/release/libamdahl_reference.so" ]; then
        put "$target/release/libamdahl_reference.so" libamdahl_reference.so
    fi
}
without_mpi() {
    if [ "${AMDAHL_REQUIRE_MPI:-}" = 1 ]; then
        say "AMDAHL_REQUIRE_MPI=1, and there is no worker with MPI"
        exit 1
    fi
    cargo build --release --no-default-features "$@"
}

case ${1:-} in
measure)
    with_mpi -p amdahl -p amdahl-worker -p amdahl-reference || without_mpi -p amdahl -p amdahl-worker -p amdahl-reference
    put "$target/release/amdahl-worker" amdahl-worker
    plugin
    ;;
worker)
    with_mpi -p amdahl-worker -p amdahl-reference || without_mpi -p amdahl-worker -p amdahl-reference
    put "$target/release/amdahl-worker" amdahl-worker
    plugin
    ;;
lean)
    cargo build --release --no-default-features -p amdahl --bin amdahl
    put "$target/release/amdahl" amdahl
    ;;
full)
    cargo build --release -p amdahl --bin amdahl
    put "$target/release/amdahl" amdahl
    ;;
*)
    echo "usage: scripts/build.sh measure|worker|lean|full" >&2
    exit 2
    ;;
esac
