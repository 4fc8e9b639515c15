#!/bin/sh
# make sweep: sweep.sh MANIFEST RESULTS. What measures and makes the page is built first, what makes the PDF last, so that the first cell
# is measured early and its page is there at once. Nothing compiles while something is measured.
set -eu
cd "$(dirname "$0")/.."

manifest=$1
results=$2
target=${CARGO_TARGET_DIR:-target}
lean=$target/release/amdahl

scripts/setup.sh
scripts/build.sh measure

outcome=0
"$lean" run "$manifest" --results "$results" || outcome=$?
# 1: some cells failed. 5: some answers were wrong. The report shows which, so it is made all the same.
case $outcome in
0 | 1 | 5) ;;
*) exit "$outcome" ;;
esac

"$lean" figures "$results"
"$lean" report "$results" --format html,facts
echo "sweep: open the page above in a browser; the same as a table: $lean show $results" >&2

echo "sweep: building what sets the PDF; the page needs nothing of it" >&2
scripts/build.sh full
"$target/bin/amdahl" report "$results" --format pdf
exit "$outcome"
