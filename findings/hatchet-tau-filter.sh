#!/bin/sh
# Hatchet cannot filter a TAU profile of ranks with threads, and the levels of its index depend on how many of each there are.
#
# Expected: `GraphFrame.from_tau(FOLDER).filter(...)` works for TAU profiles of one lane, of threads, of ranks, and of ranks with threads.
# Seen with llnl-hatchet 2026.2.0: the index is (node), (node, thread), (node, rank) and (node, rank, thread). With the last one a filter
# that keeps more than one region ends, as it squashes the graph (the default), with "AttributeError: 'int' object has no attribute
# '_hatchet_nid'".
#
# Needs python3 with venv, and its registry. Works in a temporary folder; fails when any of that changes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check llnl-hatchet==2026.2.0

cat >look.py <<'PYTHON'
import os

import hatchet

ROOT = ".TAU application"
LINES = f"""3 templated_functions_MULTI_TIME
# Name Calls Subrs Excl Incl ProfileCalls # <metadata><attribute><name>Metric Name</name><value>TIME</value></attribute></metadata>
"{ROOT}" 1 1 10 30 0 GROUP="TAU_DEFAULT"
"solve" 1 0 20 20 0 GROUP="TAU_USER"
"{ROOT}  => solve" 1 0 20 20 0 GROUP="TAU_USER|TAU_CALLPATH"
0 aggregates
"""

for ranks, threads in ((1, 1), (1, 2), (2, 1), (2, 2)):
    folder = f"{ranks}x{threads}/MULTI__TIME"
    os.makedirs(folder)
    for rank in range(ranks):
        for thread in range(threads):
            with open(f"{folder}/profile.{rank}.0.{thread}", "w") as file:
                file.write(LINES)
    frame = hatchet.GraphFrame.from_tau(f"{ranks}x{threads}")
    try:
        kept = len(frame.filter(lambda row: row["time"] > 5, num_procs=1).dataframe)
    except AttributeError as error:
        kept = f"AttributeError: {error}"
    print(f"{ranks} x {threads}: ({', '.join(frame.dataframe.index.names)}) filtered: {kept}")
PYTHON
venv/bin/python -W ignore look.py | tee seen.txt

cat >wanted.txt <<'SEEN'
1 x 1: (node) filtered: 2
1 x 2: (node, thread) filtered: 4
2 x 1: (node, rank) filtered: 4
2 x 2: (node, rank, thread) filtered: AttributeError: 'int' object has no attribute '_hatchet_nid'
SEEN
cmp seen.txt wanted.txt && echo "as it was found"
