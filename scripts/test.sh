#!/bin/sh
# make test: all tests of all crates, those with MPI too where MPI can be had. The output ends with the names of tests that failed, those
# that could not run on this machine and why, and the closing line of each test program. NOTE (.ci/run gives one) is said there as well.
# usage: scripts/test.sh [NOTE]
set -eu
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
scripts/setup.sh
scripts/build.sh worker
target=$(cd "$target" && pwd)

# cargo hides what a passing test prints, so that tests append their reasons here (crates/testing).
export AMDAHL_SKIPPED="$target/skipped.txt"
export AMDAHL_WORKER="$target/bin/amdahl-worker"
code=$target/test-exit-code
: >"$AMDAHL_SKIPPED"
echo 1 >"$code"

# The closing lines are kept for the end, each after the name of its program; the rest is shown as it comes.
{
    cargo test --release --workspace --no-fail-fast && echo 0 >"$code"
} 2>&1 | awk -v skipped="$AMDAHL_SKIPPED" -v note="${1:-}" '
    /^     Running / || /^   Doc-tests / { program = $0 }
    /^test .* FAILED$/ { failed[++failures] = $2 }
    /^test result: / {
        if (!/ 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered/) closing[++programs] = program "\n" $0
        next
    }
    { print; fflush() }
    END {
        for (i = 1; i <= failures; i++) print "FAILED " failed[i]
        while ((getline line <skipped) > 0) if (!(line in said)) { said[line]; reasons[++skips] = line }
        if (programs) print "could not run here: " (skips ? skips " tests, or parts of them" : "none")
        for (i = 1; i <= skips; i++) print "SKIPPED " reasons[i]
        if (note != "") print note
        for (i = 1; i <= programs; i++) print closing[i]
    }'
exit "$(cat "$code")"
