#!/bin/sh
# Installs what building needs and is missing: a C compiler (the linker), MPI, libclang. Rust is asked for, not installed.
# Only Debian and Ubuntu, only as root or with a sudo that asks no password, and only once: `--again` tries again.
# MPI is optional: without it the exit code is still 0, unless AMDAHL_REQUIRE_MPI=1.
set -u
cd "$(dirname "$0")/.." || exit 1

target=${CARGO_TARGET_DIR:-target}
log=$target/setup.log
say() { echo "setup: $*" >&2; }

if ! command -v cargo >/dev/null 2>&1; then
    say "Rust is missing. Install it from https://rustup.rs, open a new shell, and run this again."
    exit 1
fi

missing=
command -v cc >/dev/null 2>&1 || missing="gcc libc6-dev"
why=$(scripts/mpi-name.sh 2>&1 >/dev/null) || missing="$missing libopenmpi-dev openmpi-bin libclang-dev"
if [ -z "$missing" ]; then
    [ "${1:-}" != --again ] || say "nothing is missing"
    exit 0
fi

mkdir -p "$target"
[ "${1:-}" = --again ] && rm -f "$log"
if [ -e "$log" ]; then
    say "still missing:$missing (tried before: see $log; 'make setup' tries again)"
elif ! command -v apt-get >/dev/null 2>&1; then
    say "missing, and this is not Debian or Ubuntu: install a C compiler, MPI with its headers, and libclang"
    say "(Fedora: gcc openmpi-devel clang-devel, then 'module load mpi'; a cluster: 'module avail mpi')"
else
    if [ "$(id -u)" = 0 ]; then
        sudo=
    elif sudo -n true >/dev/null 2>&1; then
        sudo="sudo -n"
    else
        sudo=no
    fi
    if [ "$sudo" = no ]; then
        say "missing: ask an administrator for 'apt-get install$missing'"
    else
        say "installing$missing (log: $log)"
        {
            $sudo env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 update
            # shellcheck disable=SC2086 # the list is meant to be split
            $sudo env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends $missing
        } >"$log" 2>&1 </dev/null || say "apt-get failed: see $log"
    fi
fi

if ! command -v cc >/dev/null 2>&1; then
    say "there is no C compiler (cc), which Rust needs for linking"
    exit 1
fi
if ! why=$(scripts/mpi-name.sh 2>&1 >/dev/null); then
    say "$why; going on without it: cells that need MPI become rows with this reason"
    [ "${AMDAHL_REQUIRE_MPI:-}" != 1 ] || exit 1
fi
