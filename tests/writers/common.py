"""What the writers have in common: a folder of files, and an index that says what each of them holds."""

import json
import pathlib

import numpy as np

ROWS = 300


class Folder:
    """Files beside `index.json`, and for each the rows that its writer's own reader sees."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.mkdir(parents=True, exist_ok=True)
        self.index = []

    def add(self, writer, setting, name, write, expected, columns=None, labels=None, dataset=None, refused=None):
        """Writes a file unless it is there, and notes the rows (float64) that `expected` finds in it, or the
        words in which it is refused."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            write(str(path))
        entry = {"writer": writer, "setting": setting, "file": name}
        if refused is None:
            values = np.ascontiguousarray(expected(str(path)), dtype=np.float64)
            values = values.reshape(len(values), -1)
            entry["rows"], entry["dims"] = values.shape
            entry["values"] = f"expected/{len(self.index)}"
            target = self.path / entry["values"]
            target.parent.mkdir(exist_ok=True)
            values.astype("<f8").tofile(target)
        for key, value in (("columns", columns), ("labels", labels), ("dataset", dataset), ("refused", refused)):
            if value is not None:
                entry[key] = value
        self.index.append(entry)

    def close(self):
        (self.path / "index.json").write_text(json.dumps(self.index, indent=1))


def base(rows=ROWS):
    """Columns that every table has: floats and integers, and few of many values."""
    rng = np.random.default_rng(1)
    return {
        "x": rng.standard_normal(rows),
        "y": rng.standard_normal(rows).astype(np.float32),
        "n": np.arange(rows, dtype=np.int64) % 7 * 100 - 300,
        "m": (np.arange(rows) ** 2 % 1000).astype(np.int32),
    }
