"""Do k-means++ and k-means|| start as well as scikit-learn's k-means++?

Final inertia after convergence, mean over seeds, on real data; ours by the worker, theirs on the same rows. Prints a Markdown table and
fails where a mean is more than the tolerance above scikit-learn's. Data that is missing is skipped, loudly.

    scripts/bench-peers.sh brings the virtual environment;  AMDAHL_DATA=... PYTHON benches/peers/seeding.py --worker target/bin/amdahl-worker
"""

import argparse
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy
import sklearn.cluster


def csv(path, drop_last, skip=0):
    with gzip.open(path, "rt") as file:
        rows = numpy.loadtxt(file, delimiter=",", skiprows=skip, dtype=numpy.float32)
    return rows[:, :-1] if drop_last else rows


def images(path):
    with gzip.open(path) as file:
        return numpy.frombuffer(file.read(), numpy.uint8, offset=16).reshape(-1, 784).astype(numpy.float32)


def letters(path):
    lines = [line for line in path.read_text().splitlines() if line and line[0] not in "@%"]
    return numpy.array([line.split(",")[:16] for line in lines if line.count(",") == 16], dtype=numpy.float32)


def features(path):
    # Rows and columns in 32-bit integers, then the values.
    raw = path.read_bytes()
    rows, dims = numpy.frombuffer(raw, numpy.int32, 2)
    return numpy.frombuffer(raw, numpy.float32, rows * dims, 8).reshape(rows, dims)


SETS = [
    ("digits", 10, "sklearn/digits.csv.gz", lambda path: csv(path, True)),
    ("mnist-t10k", 10, "mnist-t10k/t10k-images-idx3-ubyte.gz", images),
    ("covertype-ramp", 7, "covertype-ramp/test.csv.gz", lambda path: csv(path, True, 1)),
    ("uci-letter", 26, "uci-letter/letter.arff", letters),
    ("texture17695", 16, "liao-kmeans/texture17695.bin", features),
]


def ours(worker, file, k, init, seed, folder):
    cell = {
        "workload": {
            "kind": "kmeans",
            "k": k,
            "init": {init: {"seed": seed}},
            "stop": {"converged": {"tolerance": 0.0, "max_iterations": 1000}},
        },
        "dataset": {"source": "file", "path": str(file)},
        "backend": "serial",
        "ranks": 1,
        "threads": 1,
    }
    cell_file, record = folder / "cell.json", folder / "record.json"
    cell_file.write_text(json.dumps(cell))
    subprocess.run([worker, "--cell", cell_file, "--record", record], check=True, capture_output=True)
    measured = json.loads(record.read_text())["end"]["done"]
    # Metric, unit, where from, and values by lane and phase; the second phase is the choice of the initial centroids.
    init_seconds = sum(lane[1] for metric, *_, lanes in measured["readings"]["values"] if metric == "wall" for lane in lanes)
    return measured["answer"]["inertia"], init_seconds


def theirs(rows, k, seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fit = sklearn.cluster.KMeans(k, init="k-means++", n_init=1, max_iter=1000, tol=0, random_state=seed, algorithm="lloyd")
        return fit.fit(rows).inertia_


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worker", default="target/bin/amdahl-worker")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--within", type=float, default=1.0, help="percent above scikit-learn's mean that are tolerated")
    options = parser.parse_args()
    data = pathlib.Path(os.environ.get("AMDAHL_DATA", "../shared/data"))
    bad, done = [], 0
    print(f"scikit-learn {sklearn.__version__}, {options.seeds} seeds; mean inertia ± standard error")
    print("| data | k | scikit-learn k-means++ | ours, kmeans++ | | ours, kmeans\\|\\| | | init, ms |")
    print("|---|---|---|---|---|---|---|---|")
    for name, k, path, read in SETS:
        if not (data / path).exists():
            print(f"SKIPPED {name}: {data / path} is missing", file=sys.stderr)
            continue
        rows = read(data / path)
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            file = folder / "rows.npy"
            numpy.save(file, rows)
            peer = [theirs(rows, k, seed) for seed in range(options.seeds)]
            line = [name, str(k), show(peer)]
            times = []
            for init in ["kmeans++", "kmeans||"]:
                runs = [ours(options.worker, file, k, init, seed, folder) for seed in range(options.seeds)]
                mine = [inertia for inertia, _ in runs]
                off = 100 * (numpy.mean(mine) / numpy.mean(peer) - 1)
                times.append(f"{1e3 * numpy.median([seconds for _, seconds in runs]):.1f}")
                line += [show(mine), f"{off:+.2f} %"]
                if off > options.within:
                    bad.append(f"{name}, {init}: {off:+.2f} %")
        print("| " + " | ".join(line + [" / ".join(times)]) + " |", flush=True)
        done += 1
    if bad or not done:
        sys.exit("worse than scikit-learn: " + "; ".join(bad) if bad else "nothing was compared")


def show(values):
    return f"{numpy.mean(values):.6g} ± {100 * numpy.std(values, ddof=1) / len(values) ** 0.5 / numpy.mean(values):.2f} %"


if __name__ == "__main__":
    main()
