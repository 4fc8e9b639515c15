#!/bin/sh
# make sweep: sweep.sh MANIFEST RESULTS. What measures is built first and what explains last, so that the first cell is measured early
# and nothing compiles while something is measured.
set -eu
cd "$(dirname "$0")/.."

manifest=$1
results=$2
amdahl=${CARGO_TARGET_DIR:-target}/bin/amdahl

if command -v cc >/dev/null 2>&1 && command -v cargo >/dev/null 2>&1; then
    # Packages download while amdahl itself, which needs none of them, compiles.
    scripts/setup.sh &
    setup=$!
    scripts/build.sh lean
    wait "$setup"
else
    scripts/setup.sh
    scripts/build.sh lean
fi
scripts/build.sh worker

# 1: some cells failed. 5: some answers were wrong. The report shows which, so it is made all the same.
outcome=0
"$amdahl" run "$manifest" --results "$results" || outcome=$?
case $outcome in
0 | 1 | 5) ;;
*) exit "$outcome" ;;
esac

scripts/build.sh full
"$amdahl" figures "$results"
"$amdahl" report "$results"
exit "$outcome"
