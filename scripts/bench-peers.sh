#!/bin/sh
# make bench-peers: ours against scikit-learn, oneDAL and faiss. Arguments go to benches/peers/bench.py (--help lists them).
# The peers live in a virtual environment below the target folder, made once for each content of benches/peers/requirements.txt.
# AMDAHL_WORKER names a worker that is already built; PYTHON another Python.
set -eu
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
home=$target/bench-peers
venv=$home/venv
wanted=benches/peers/requirements.txt
python=${PYTHON:-python3}
log=$home/setup.log
say() { echo "bench-peers: $*" >&2; }
cannot() {
    say "$*"
    exit 6
}

mkdir -p "$home"
if ! cmp -s "$wanted" "$venv/requirements.txt"; then
    command -v "$python" >/dev/null 2>&1 || cannot "there is no $python: install Python 3.11 or newer, or name one by PYTHON="
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        cannot "$("$python" --version) is too old for the pinned packages: name Python 3.11 or newer by PYTHON="
    say "making a virtual environment with $(grep -c == "$wanted") pinned packages (log: $log)"
    rm -rf "$venv"
    "$python" -m venv "$venv" >"$log" 2>&1 ||
        cannot "cannot make a virtual environment: see $log (Debian and Ubuntu: apt-get install python3-venv)"
    "$venv/bin/python" -m pip install --only-binary :all: -r "$wanted" >>"$log" 2>&1 ||
        cannot "cannot install the peers: $(grep -m 1 -i error "$log" || tail -n 1 "$log") (log: $log)"
    # Last, so that a half-made environment is made again.
    cp "$wanted" "$venv/requirements.txt"
fi

worker=${AMDAHL_WORKER:-}
if [ -z "$worker" ]; then
    scripts/build.sh worker
    worker=$target/bin/amdahl-worker
fi
exec "$venv/bin/python" benches/peers/bench.py --worker "$worker" --scratch "$home" "$@"
