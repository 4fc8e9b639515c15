"""The shapes that are measured, and their rows."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Workload:
    """n rows of d columns in k clusters; `iterations` of Lloyd from the first k rows."""

    name: str
    n: int
    d: int
    k: int
    iterations: int = 12

    @property
    def data_bytes(self):
        return 4 * self.n * self.d

    @property
    def flops(self):
        """Of one iteration: a multiplication and an addition for each row, column and cluster."""
        return 2 * self.n * self.d * self.k

    @property
    def shape(self):
        return f"{self.n:,} x {self.d}, k={self.k}"


WORKLOADS = [
    Workload("W1", 581_012, 54, 7),
    Workload("W2", 1_000_000, 32, 64),
    Workload("W3", 100_000, 784, 10),
    Workload("W4", 200_000, 128, 1024),
    Workload("W5", 4_000_000, 8, 16),
]

# Shapes that nobody tuned for: every d of 1, 2, 3, 17, 100, 2048 with every k of 1, 2, 33, 5000 at least nearly, n from 10^3 to 10^7.
# (n, d, k, iterations)
ODD = [
    (10_000_000, 1, 2, 8),
    (1_000_000, 1, 33, 12),
    (100_000, 1, 5000, 3),
    (1_000, 1, 1, 12),
    (1_000_000, 2, 1, 12),
    (1_000, 2, 2, 12),
    (10_000_000, 2, 33, 4),
    (10_000, 2, 5000, 6),
    (10_000, 3, 1, 12),
    (10_000_000, 3, 2, 8),
    (1_000_000, 3, 33, 12),
    (100_000, 3, 5000, 3),
    (1_000_000, 17, 1, 12),
    (1_000_000, 17, 2, 12),
    (1_000, 17, 33, 12),
    (1_000_000, 17, 33, 12),
    (100_000, 17, 5000, 3),
    (100_000, 100, 1, 12),
    (500_000, 100, 2, 12),
    (100_000, 100, 33, 12),
    (20_000, 100, 5000, 3),
    (10_000, 2048, 1, 12),
    (20_000, 2048, 2, 12),
    (1_000, 2048, 33, 12),
    (20_000, 2048, 33, 12),
    (6_000, 2048, 5000, 2),
]


def odd():
    return [Workload(f"{n:.0e} x {d}, {k}".replace("e+0", "e"), n, d, k, it) for n, d, k, it in ODD]


def quick(workload):
    """A tenth of the rows."""
    return Workload(workload.name, max(workload.n // 10, workload.k), workload.d, workload.k, workload.iterations)


def write(workload, folder: Path):
    """The workload's rows as a .npy file of f32, written once.

    An overlapping Gaussian mixture of k clusters of equal weight: noise of standard deviation 1 in every column, around centres whose
    squared distance is 16 on average whatever the number of columns. Fixed seed, so that every machine has the same rows.
    """
    import numpy as np

    path = folder / f"{workload.n}x{workload.d}-{workload.k}.npy"
    if path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng([1, workload.n, workload.d, workload.k])
    centres = random.standard_normal((workload.k, workload.d), dtype=np.float32)
    centres *= np.float32(4 / np.sqrt(2 * workload.d))
    part = path.with_suffix(".part")
    rows = np.lib.format.open_memmap(part, mode="w+", dtype=np.float32, shape=(workload.n, workload.d))
    step = max(1, (1 << 22) // workload.d)
    for first in range(0, workload.n, step):
        count = min(step, workload.n - first)
        noise = random.standard_normal((count, workload.d), dtype=np.float32)
        rows[first : first + count] = noise + centres[random.integers(0, workload.k, count)]
    rows.flush()
    del rows
    part.rename(path)
    return path


def inertia(path, centroids):
    """Sum of the rows' squared distances to the nearest centroid of a .npy file, in f64; the same for every contender."""
    import numpy as np

    rows = np.load(path, mmap_mode="r")
    centroids = np.load(centroids).astype(np.float64)
    norms = (centroids**2).sum(axis=1)
    total = 0.0
    step = max(1, (1 << 22) // max(len(centroids), rows.shape[1]))
    for first in range(0, len(rows), step):
        block = np.asarray(rows[first : first + step], dtype=np.float64)
        nearest = (norms - 2 * (block @ centroids.T)).argmin(axis=1)
        # The distance itself from the differences: nothing cancels.
        total += ((block - centroids[nearest]) ** 2).sum()
    return float(total)
