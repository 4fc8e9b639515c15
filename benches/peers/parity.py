#!/usr/bin/env python3
"""amdahl fit against scikit-learn from the same initial centroids: labels after one iteration, inertia after ten.

    benches/peers/parity.py --amdahl target/bin/amdahl
    benches/peers/parity.py --golden digits     # prints scikit-learn's labels after one iteration, one a line

Data sets are those of the catalogue (found under AMDAHL_DATA), and clusters that lie far apart, made here. scikit-learn runs in f64 on
the f32 values that amdahl reads. Near-tie rows may change sides over many iterations when anything is rounded differently, so labels are
compared after one iteration and inertia on separated data after ten. Ends with 1 when a label differs or an inertia is off by more
than 1e-6.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import sklearn
from sklearn.cluster import KMeans

# Name and clusters.
SETS = [("digits", 10), ("iris", 3), ("wine", 3), ("breast-cancer", 2), ("mnist-t10k", 10), ("covertype-ramp", 7)]


def separated(rows, dims, k, seed):
    """Gaussian clusters of standard deviation 1 whose centres are at least 20 apart."""
    draw = np.random.default_rng(seed)
    centres = 20.0 * np.stack([np.unravel_index(i, (8,) * 3) + (0,) * (dims - 3) for i in draw.permutation(512)[:k]])
    which = np.concatenate([np.arange(k), draw.integers(k, size=rows - k)])
    return (centres[which] + draw.normal(size=(rows, dims))).astype(np.float32)


def points_of(name):
    """The points of a data set of the catalogue, as f32."""
    data = Path(os.environ["AMDAHL_DATA"])
    if name == "mnist-t10k":
        raw = gzip.open(data / "mnist-t10k/t10k-images-idx3-ubyte.gz").read()
        return np.frombuffer(raw, np.uint8, offset=16).reshape(10000, 784).astype(np.float32)
    if name == "covertype-ramp":
        return np.loadtxt(gzip.open(data / "covertype-ramp/test.csv.gz"), np.float32, delimiter=",", skiprows=1)[:, :-1]
    file = {"digits": "digits.csv.gz", "iris": "iris.csv", "wine": "wine_data.csv", "breast-cancer": "breast_cancer.csv"}
    path = data / "sklearn" / file[name]
    opened = gzip.open(path) if path.suffix == ".gz" else open(path)
    skip = 0 if name == "digits" else 1
    return np.loadtxt(opened, np.float64, delimiter=",", skiprows=skip)[:, :-1].astype(np.float32)


def theirs(points, start, k, iterations):
    """scikit-learn's labels and inertia after so many iterations from these centroids."""
    model = KMeans(k, init=start, n_init=1, max_iter=iterations, tol=0, algorithm="lloyd")
    model.fit(points.astype(np.float64))
    return model.labels_, model.inertia_


def ours(amdahl, data, start, k, iterations, folder):
    """The same by amdahl."""
    words = [amdahl, "fit", str(data), "-k", str(k), "--init", str(start), "--max-iterations", str(iterations)]
    words += ["--tolerance", "0", "--format", "json", "--model", str(folder / "m.json"), "--labels", str(folder / "l.npy")]
    said = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    return np.load(folder / "l.npy"), said["inertia"]


def compare(amdahl, name, points, start, k, folder):
    """A line of the table; says whether the two agree."""
    np.save(folder / "points.npy", points)
    np.save(folder / "start.npy", start)
    line, good = f"{name:22} {points.shape[0]:>7} x {points.shape[1]:<4} k={k:<3}", True
    for iterations in (1, 10):
        their_labels, their_inertia = theirs(points, start.astype(np.float64), k, iterations)
        labels, inertia = ours(amdahl, folder / "points.npy", folder / "start.npy", k, iterations, folder)
        differ = int((labels != their_labels).sum())
        off = abs(inertia / their_inertia - 1)
        line += f"  after {iterations:>2}: {differ} labels differ, inertia off by {off:.1e}"
        good &= differ == 0 if iterations == 1 else off <= 1e-6
    print(line + ("" if good else "  DIFFERS"), flush=True)
    return good


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--amdahl", default="target/bin/amdahl", help="the program")
    options.add_argument("--golden", metavar="NAME", help="print scikit-learn's labels of this set after one iteration")
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        if options.golden:
            k = dict(SETS)[options.golden]
            points = points_of(options.golden)
            print(*theirs(points, points[:k].astype(np.float64), k, 1)[0], sep="\n")
            return 0
        print(f"scikit-learn {sklearn.__version__}, initial centroids are the first k rows")
        good = True
        for name, k in SETS:
            points = points_of(name)
            good &= compare(options.amdahl, name, points, points[:k], k, folder)
        for rows, dims, k in [(10_000, 8, 16), (50_000, 32, 64), (5_000, 100, 10)]:
            points = separated(rows, dims, k, rows)
            good &= compare(options.amdahl, "separated", points, points[:k], k, folder)
        return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
