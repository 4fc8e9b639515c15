"""Opens exported files with the tools that they are meant for, and prints what these see as JSON, a value a path. Used by tests/readers/mod.rs.

    read.py FORMAT PATH...
"""

import json
import sys
import warnings

warnings.filterwarnings("ignore")


def graph(frame):
    """Regions of a Hatchet graph frame: seconds or microseconds by lane, with and without what lies below."""
    table = frame.dataframe.reset_index()
    regions = {}
    for _, row in table.iterrows():
        region = regions.setdefault(row["name"], {"inclusive": [], "exclusive": []})
        region["inclusive"].append(float(row["time (inc)"]))
        region["exclusive"].append(float(row["time"]))
    positive = frame.dataframe["time"] > 0
    kept = frame.filter(lambda row: row["time"] > 0, num_procs=1).dataframe
    return {
        "index": list(frame.dataframe.index.names),
        "positive": int(positive.sum()),
        "filtered": len(kept),
        "regions": regions,
        "depth": {node.frame["name"]: node._depth for node in frame.graph.traverse()},
        "metrics": sorted(frame.exc_metrics),
        "metadata": {str(key): str(value) for key, value in (frame.metadata or {}).items()},
    }


def tau(path):
    import hatchet

    return graph(hatchet.GraphFrame.from_tau(path))


def caliper(path):
    import hatchet

    return graph(hatchet.GraphFrame.from_caliper(path))


def thicket(folder):
    """What Thicket makes of a folder of profiles: groups, filters, joins, and medians by cell and region, seconds."""
    import contextlib
    import glob
    import io

    with contextlib.redirect_stdout(io.StringIO()):
        from thicket import Thicket

        whole = Thicket.from_caliper(sorted(glob.glob(f"{folder}/*.json")), disable_tqdm=True)
        by_k = whole.groupby("k")
        joined = Thicket.concat_thickets(list(whole.groupby("ranks").values()), axis="index", disable_tqdm=True)
        more = whole.filter_metadata(lambda run: run["lanes"] > 1)
    table = whole.dataframe.reset_index()
    table["cell"] = table["profile"].map(whole.metadata["cell"])
    medians = {}
    for (cell, name), seconds in table.groupby(["cell", "name"])["time (inc)"].median().items():
        medians.setdefault(cell, {})[name] = float(seconds)
    return {
        "index": list(whole.dataframe.index.names),
        "profiles": len(whole.metadata),
        "types": {column: str(type) for column, type in whole.metadata.dtypes.items()},
        "by_k": {str(k): len(part.metadata) for k, part in by_k.items()},
        "more_than_a_lane": len(more.metadata),
        "rows": len(whole.dataframe),
        "joined_rows": len(joined.dataframe),
        "medians": medians,
    }


def talp(folder):
    """The pages that TALP-Pages makes of a folder, and what it reads of the timed part of each file, by cell."""
    import os
    import pathlib
    import subprocess
    import tempfile

    from talp_pages.io.dataframe_handling import load_talp_json_df

    talp = os.path.join(os.path.dirname(sys.executable), "talp")
    with tempfile.TemporaryDirectory() as out:
        words = [talp, "ci-report", "--input-path", folder, "--output-path", out, "--no-badge"]
        subprocess.run(words, check=True, capture_output=True)
        pages = sorted(str(page.relative_to(out)) for page in pathlib.Path(out).rglob("scaling.html"))
    cells = {}
    for path in sorted(pathlib.Path(folder).rglob("*.json")):
        table = load_talp_json_df(path)
        row = table[table["regionName"] == "Global"].iloc[0]
        cell = cells.setdefault(json.loads(path.read_text())["amdahl"]["cell"], {"elapsed": [], "parallelEfficiency": []})
        cell["elapsed"].append(float(row["elapsedTime"]))
        cell["parallelEfficiency"].append(float(row["parallelEfficiency"]))
        cell["label"] = str(row["ressourceLabel"]).strip()
    return {"pages": pages, "cells": cells}


def extra_p(path):
    from extrap.fileio.file_reader.jsonlines_file_reader import read_jsonlines_file
    from extrap.modelers.model_generator import ModelGenerator

    experiment = read_jsonlines_file(path)
    seen = {
        "parameters": [parameter.name for parameter in experiment.parameters],
        "points": len(experiment.coordinates),
        "callpaths": sorted(callpath.name for callpath in experiment.callpaths),
        "metrics": sorted(metric.name for metric in experiment.metrics),
        "medians": {},
    }
    for (callpath, metric), measurements in experiment.measurements.items():
        if metric.name == "time":
            seen["medians"][callpath.name] = {
                ",".join(f"{value:g}" for value in m.coordinate): float(m.median) for m in measurements
            }
    if len(seen["parameters"]) == 1 and seen["points"] >= 5:
        generator = ModelGenerator(experiment)
        generator.model_all()
        models = {callpath.name: model for (callpath, metric), model in generator.models.items() if metric.name == "time"}
        seen["model"] = str(models["amdahl-worker->iterations"].hypothesis.function)
    return seen


def tables(path):
    """Every table as CSV and as Parquet: rows, types, and whether both hold the same."""
    import pandas

    seen = {}
    for name in ["cells", "repeats", "readings"]:
        text = pandas.read_csv(f"{path}/csv/{name}.csv", float_precision="round_trip")
        typed = pandas.read_parquet(f"{path}/parquet/{name}.parquet")
        same = list(text.columns) == list(typed.columns) and len(text) == len(typed)
        for column in typed.columns:
            left, right = text[column], typed[column]
            if pandas.api.types.is_numeric_dtype(right):
                same = same and left.astype(float).equals(right.astype(float))
            else:
                same = same and left.fillna("").astype(str).tolist() == right.fillna("").astype(str).tolist()
        seen[name] = {"rows": len(typed), "same": bool(same), "types": {c: str(t) for c, t in typed.dtypes.items()}}
        if name == "repeats":
            seen["medians"] = {cell: float(s) for cell, s in typed.groupby("cell")["seconds"].median().items()}
    return seen


def sql(path):
    """Every column of every table by its bare name, and the median time of each cell, by two engines."""
    import duckdb
    import polars

    def asked(ask, table, columns):
        ask(f"select {', '.join(columns)} from {table}")
        for column in columns:
            ask(f"select max({column}) as most from {table} group by {column} order by {column}")

    medians = "select cell, median(seconds) from {} group by cell"
    seen = {}
    for form in ["csv", "parquet"]:
        for name in ["cells", "repeats", "readings"]:
            file = f"{path}/{form}/{name}.{form}"
            columns = duckdb.sql(f"select * from '{file}'").columns
            asked(lambda text: duckdb.sql(text).fetchall(), f"'{file}'", columns)
            if form == "parquet":
                tables = polars.SQLContext({name: polars.read_parquet(file)})
                asked(lambda text: tables.execute(text, eager=True), name, columns)
                if name == "repeats":
                    seen["polars of parquet"] = dict(tables.execute(medians.format(name), eager=True).rows())
        seen[f"DuckDB of {form}"] = dict(duckdb.sql(medians.format(f"'{path}/{form}/repeats.{form}'")).fetchall())
    return seen


READERS = {
    "tau": tau,
    "caliper": caliper,
    "thicket": thicket,
    "talp": talp,
    "extra-p": extra_p,
    "tables": tables,
    "sql": sql,
}

if __name__ == "__main__":
    json.dump([READERS[sys.argv[1]](path) for path in sys.argv[2:]], sys.stdout)
