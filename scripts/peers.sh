#!/bin/sh
# make peers: what the outside programs of peers/peers.toml need, below the target folder:
#   peers/venv      a virtual environment with the pinned packages of peers/requirements*.txt, made once for each content of theirs
#   peers/adapters  copies of peers/*.py
#   peers/bin       the Rust peers (peers/rust)
# What cannot be had is said and left out: its row in the results says so too. --python makes the environment alone, or fails with 6.
# PYTHON names another Python.
set -eu
cd "$(dirname "$0")/.."

home=${CARGO_TARGET_DIR:-target}/peers
venv=$home/venv
wanted=peers/requirements.txt
python=${PYTHON:-python3}
log=$home/setup.log
say() { echo "peers: $*" >&2; }
lacks() {
    say "$*"
    return 1
}

environment() {
    cmp -s "$wanted" "$venv/requirements.txt" && return
    command -v "$python" >/dev/null 2>&1 || lacks "there is no $python: install Python 3.11 or newer, or name one by PYTHON=" || return
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        lacks "$("$python" --version) is too old for the pinned packages: name Python 3.11 or newer by PYTHON=" || return
    say "making a virtual environment with $(grep -c == "$wanted") pinned packages (log: $log)"
    rm -rf "$venv"
    "$python" -m venv "$venv" >"$log" 2>&1 ||
        lacks "cannot make a virtual environment: see $log (Debian and Ubuntu: apt-get install python3-venv)" || return
    "$venv/bin/python" -m pip install --only-binary :all: -r "$wanted" >>"$log" 2>&1 ||
        lacks "cannot install the peers: $(grep -m 1 -i error "$log" || tail -n 1 "$log") (log: $log)" || return
    # Last, so that a half-made environment is made again.
    cp "$wanted" "$venv/requirements.txt"
}

# Spark comes as source and is large, and it needs Java: without it the others are all there.
spark() {
    cmp -s peers/requirements-spark.txt "$venv/requirements-spark.txt" && return
    command -v java >/dev/null 2>&1 || [ -x "${JAVA_HOME:-/none}/bin/java" ] ||
        lacks "no Spark: it needs Java 17 or newer (Debian, Ubuntu: apt-get install default-jre-headless)" || return
    say "installing Spark, some 400 MB"
    "$venv/bin/python" -m pip install --no-deps -r peers/requirements-spark.txt >>"$log" 2>&1 ||
        lacks "no Spark: $(grep -m 1 -i error "$log" || tail -n 1 "$log") (log: $log)" || return
    cp peers/requirements-spark.txt "$venv/requirements-spark.txt"
}

dask() {
    cmp -s peers/requirements-dask.txt "$venv/requirements-dask.txt" && return
    say "installing dask-ml, some 300 MB"
    "$venv/bin/python" -m pip install --no-deps --only-binary :all: -r peers/requirements-dask.txt >>"$log" 2>&1 ||
        lacks "no dask-ml: $(grep -m 1 -i error "$log" || tail -n 1 "$log") (log: $log)" || return
    cp peers/requirements-dask.txt "$venv/requirements-dask.txt"
}

# R is the system's: it is not installed here.
r() {
    command -v Rscript >/dev/null 2>&1 || lacks "no R: install it (Debian, Ubuntu: apt-get install r-base-core)"
}

rust() {
    command -v cargo >/dev/null 2>&1 || lacks "no Rust peers: there is no cargo" || return
    # The crate 'kmeans' uses features of the standard library that a stable compiler refuses.
    features=
    case "$(rustc --version) ${RUSTC_BOOTSTRAP:-}" in
    *nightly* | *1) features=--features=kmeans ;;
    esac
    say "building the Rust peers${features:+, the crate kmeans too}"
    CARGO_TARGET_DIR=$home/rust cargo build --release --locked --manifest-path peers/rust/Cargo.toml $features >"$home/rust.log" 2>&1 ||
        lacks "no Rust peers: $(grep -m 1 '^error' "$home/rust.log") (log: $home/rust.log)" || return
    mkdir -p "$home/bin"
    cp "$home/rust/release/amdahl-rust-peers" "$home/bin/"
    [ -n "$features" ] || say "without the crate kmeans: it needs a nightly compiler"
}

mkdir -p "$home/adapters"
rm -f "$home/adapters/"*.py
cp peers/*.py "$home/adapters/"
if [ "${1:-}" = --python ]; then
    environment || exit 6
    exit 0
fi
missing=0
if environment; then
    spark || missing=1
    dask || missing=1
else
    missing=1
fi
r || missing=1
rust || missing=1
[ "$missing" = 0 ] || say "the others are ready"
say "ready: 'amdahl doctor' lists the peers, 'amdahl run experiments/peers.toml' measures them"
