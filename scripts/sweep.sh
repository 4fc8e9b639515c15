#!/bin/sh
# make sweep: sweep.sh MANIFEST RESULTS. What measures is built first and what explains last, so that the first cell is measured early
# and nothing compiles while something is measured.
set -eu
cd "$(dirname "$0")/.."

manifest=$1
results=$2
target=${CARGO_TARGET_DIR:-target}
amdahl=$target/bin/amdahl

scripts/setup.sh
scripts/build.sh measure

outcome=0
"$target/release/amdahl" run "$manifest" --results "$results" || outcome=$?
# 1: some cells failed. 5: some answers were wrong. The report shows which, so it is made all the same.
case $outcome in
0 | 1 | 5) ;;
*) exit "$outcome" ;;
esac

scripts/build.sh full
"$amdahl" figures "$results"
"$amdahl" report "$results"
echo "sweep: open the page above in a browser; the same as a table: $amdahl show $results" >&2
exit "$outcome"
