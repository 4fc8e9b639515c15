#!/bin/sh
# Thicket reads Caliper profiles with ranks, and then can neither group nor filter them.
#
# Expected: of two profiles in Caliper's json-split with the dimension mpi.rank, as an MPI program leaves them, `Thicket.from_caliper` makes
# a thicket, and `groupby` and `filter_metadata` work on it, as they do without that dimension.
# Seen with llnl-thicket 2026.1.1 on llnl-hatchet 2026.2.0: reading works, with an index of node, profile and rank; both then end with
# "TypeError: object of type 'int' has no len()". Without mpi.rank both work.
#
# Needs python3 with venv, and its registry. Works in a temporary folder; fails when any of that changes.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check llnl-thicket==2026.1.1 llnl-hatchet==2026.2.0

cat >look.py <<'PYTHON'
import contextlib
import io
import json

with contextlib.redirect_stdout(io.StringIO()):
    from thicket import Thicket


def profiles(ranks):
    """Two runs of main -> solve, of k = 1 and 2."""
    names = []
    for k in (1, 2):
        columns = ["Node order", "path"] + (["mpi.rank"] if ranks else []) + ["sum#time.duration", "inclusive#sum#time.duration"]
        rows = [
            [node, node] + ([rank] if ranks else []) + [1.0, 2.0 - node]
            for rank in range(max(ranks, 1))
            for node in (0, 1)
        ]
        whole = {
            "data": rows,
            "columns": columns,
            "column_metadata": [{"is_value": column not in ("Node order", "path")} for column in columns],
            "nodes": [{"label": "main", "column": "path"}, {"label": "solve", "column": "path", "parent": 0}],
            "k": k,
        }
        names.append(f"ranks-{ranks}-k-{k}.json")
        with open(names[-1], "w") as file:
            json.dump(whole, file)
    return names


def tried(what, do):
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            said = do()
    except TypeError as error:
        said = f"TypeError: {error}"
    print(f"  {what}: {said}")


for ranks in (0, 2):
    with contextlib.redirect_stdout(io.StringIO()):
        read = lambda: Thicket.from_caliper(profiles(ranks), disable_tqdm=True)
        whole = read()
    print(f"ranks {ranks}: index", ", ".join(whole.dataframe.index.names))
    tried("groupby", lambda: len(read().groupby("k")))
    tried("filter_metadata", lambda: len(read().filter_metadata(lambda run: run["k"] > 1).metadata))
PYTHON
venv/bin/python -W ignore look.py 2>/dev/null | tee seen.txt

cat >wanted.txt <<'SEEN'
ranks 0: index node, profile
  groupby: 2
  filter_metadata: 1
ranks 2: index node, profile, rank
  groupby: TypeError: object of type 'int' has no len()
  filter_metadata: TypeError: object of type 'int' has no len()
SEEN
cmp seen.txt wanted.txt && echo "as it was found"
