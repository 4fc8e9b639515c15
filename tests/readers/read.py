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
    return {
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


READERS = {"tau": tau, "caliper": caliper, "extra-p": extra_p, "tables": tables}

if __name__ == "__main__":
    json.dump([READERS[sys.argv[1]](path) for path in sys.argv[2:]], sys.stdout)
