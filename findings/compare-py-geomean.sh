#!/bin/sh
# Google Benchmark's compare.py counts benchmarks without a partner in the OVERALL_GEOMEAN of 'filters'.
#
# Expected: `compare.py filters FILE copy move` pairs copy/1 with move/1, shows that pair, and sums up as OVERALL_GEOMEAN what it compared:
# move takes half the time, -0.5.
# Seen with libbenchmark-tools 1.7.1 (and with the library's main branch of August 2026, 267a111): benchmarks that match one filter and have
# no partner are in no row, but in the geometric means of their side: with move/1000 beside, the same pair is summed up as +4.0, five times
# as slow.
#
# Needs python3 with venv, a Debian or Ubuntu whose archive has that package, and their registries. Works in a temporary folder; fails when
# that changes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check scipy==1.17.1 numpy==2.4.6
apt-get download --quiet=2 libbenchmark-tools=1.7.1-1 2>/dev/null
dpkg -x libbenchmark-tools_*.deb package
compare=$(find package -name compare.py)

cat >benchmarks.py <<'PYTHON'
import json

def written(name, times):
    rows = [
        {"name": name, "run_name": name, "run_type": "iteration", "iterations": 1, "real_time": time, "cpu_time": time, "time_unit": "ns"}
        for name, time in times.items()
    ]
    with open(name + ".json", "w") as file:
        json.dump({"context": {}, "benchmarks": rows}, file)

written("paired", {"copy/1": 100.0, "move/1": 50.0})
written("unpaired", {"copy/1": 100.0, "move/1": 50.0, "move/1000": 5000.0})
PYTHON
venv/bin/python benchmarks.py
for name in paired unpaired; do
    echo "$name:"
    venv/bin/python -W ignore "$compare" --no-color filters "$name.json" copy move |
        awk '/vs[.] move\]|GEOMEAN/ { print "  " (/GEOMEAN/ ? "OVERALL_GEOMEAN" : "the pair") ": " $(NF - 5) }'
done | tee seen.txt

cat >wanted.txt <<'SEEN'
paired:
  the pair: -0.5000
  OVERALL_GEOMEAN: -0.5000
unpaired:
  the pair: -0.5000
  OVERALL_GEOMEAN: +4.0000
SEEN
cmp seen.txt wanted.txt && echo "as it was found"
