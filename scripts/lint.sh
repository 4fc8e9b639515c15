#!/bin/sh
# make lint: the layout of the code, and clippy over every set of features, without warnings. All parts run; it fails when one does.
# In the profile of the tests, so that build scripts and macros of dependencies compile once.
set -u
cd "$(dirname "$0")/.." || exit 1

failed=
part() {
    echo "lint: $*" >&2
    "$@" || failed=yes
}
clippy() {
    part cargo clippy --release --workspace --all-targets "$@" -- -D warnings
}

part cargo fmt --all --check
clippy --no-default-features
if scripts/mpi-name.sh >/dev/null 2>&1 || [ "${AMDAHL_REQUIRE_MPI:-}" = 1 ]; then
    clippy --all-features
else
    echo "lint: without what needs MPI, which is not here" >&2
    clippy
fi
[ -z "$failed" ]
