#!/bin/sh
# Extra-P models a time that falls with more processes by a constant, and its switch for strong scaling changes nothing for JSON.
#
# Expected: of exact values of 1 + 16/p at p = 1, 2, 4, 8, 16, five repeats each, its defaults find a function of p; or `--scaling strong`
# does; or an option does without losing what the defaults find (2 + 3·log2(p)).
# Seen with Extra-P 4.2.5: the defaults give the constant 7.2, the mean, with and without `--scaling strong`. With
# `--modeler basic --options allow_negative_exponents=True` the model is 1 + 16·p^(-1); but then 2 + 3·log2(p) becomes a power of p with a
# negative constant, although the defaults find it exactly.
#
# Needs python3 with venv, and its registry. Works in a temporary folder; fails when any of that changes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check extrap==4.2.5

cat >samples.py <<'PYTHON'
import json
import math

for name, of in (("falls", lambda p: 1 + 16 / p), ("grows", lambda p: 2 + 3 * math.log2(p))):
    with open(name + ".jsonl", "w") as file:
        for p in (1, 2, 4, 8, 16):
            line = {"params": {"p": p}, "callpath": "main", "metric": "time", "value": of(p)}
            file.write(5 * (json.dumps(line) + "\n"))
PYTHON
venv/bin/python samples.py

# The model is the last line that is not empty; numbers to three digits, because the last digits are the machine's.
model() {
    file=$1
    shift
    venv/bin/extrap --print functions "$@" --json "$file.jsonl" 2>/dev/null | grep . | tail -n 1 | tr -d ' \r' |
        venv/bin/python -c 'import re, sys; print(re.sub(r"\d+\.\d+", lambda n: f"{float(n[0]):.3f}", sys.stdin.read().strip()))'
}
{
    echo "falls, defaults: $(model falls)"
    echo "falls, strong: $(model falls --scaling strong)"
    echo "falls, negative exponents: $(model falls --modeler basic --options allow_negative_exponents=True)"
    echo "grows, defaults: $(model grows)"
    echo "grows, negative exponents: $(model grows --modeler basic --options allow_negative_exponents=True)"
} | tee seen.txt

cat >wanted.txt <<'SEEN'
falls, defaults: 7.200
falls, strong: 7.200
falls, negative exponents: 1.000+16.000*p^(-1)
grows, defaults: 2.000+3.000*log2(p)^(1)
grows, negative exponents: -9.356+11.912*p^(1/4)
SEEN
cmp seen.txt wanted.txt && echo "as it was found"
