"""One contender in a process of its own: reads requests from standard input, a line of JSON each, and answers in the same way.

    {"do": "load", "rows": FILE, "k": K}                    -> {"version": ..., "rss": BYTES}
    {"do": "time", "low": L, "high": H, "enough": SECONDS, "inner": whether the fits are too close}
                                                            -> {"seconds": CPU seconds of all iterations, "iterations": how many}
    {"do": "answer", "iterations": M, "centroids": FILE}    -> {"iterations": M, "rss": largest resident set so far, BYTES}

The time of iterations alone is the difference of two fits that differ in nothing but their number of iterations: checking the input,
copying it and the last labels are in both. The libraries are those of peers/; a new one is a line in CONTENDERS.
"""

import importlib
import json
import os
import sys
import time
from pathlib import Path

# Iterations by which two fits differ where a library goes on after convergence.
BEYOND = 8

# Before any library starts its threads.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
sys.path.insert(0, str(Path(__file__).parents[2] / "peers"))

from adapter import peak_rss  # noqa: E402

# Module and class, and the arguments of the class.
CONTENDERS = {
    "scikit-learn": ("scikit_learn", "ScikitLearn", ["lloyd"]),
    "oneDAL": ("intelex", "OneDal", ["lloyd"]),
    "daal4py": ("intelex", "Daal4py", []),
    "faiss": ("faiss_kmeans", "Faiss", []),
}


class OneThread:
    """What a library wants to know of a job."""

    threads, fixed, tolerance = 1, True, 0.0


def library(name):
    module, kind, words = CONTENDERS[name]
    found = getattr(importlib.import_module(module), kind)(*words)
    found.prepare(OneThread)
    return found


class Session:
    """The rows and the library that works on them."""

    def __init__(self, library):
        self.library = library

    def load(self, rows, k):
        import numpy as np

        before = peak_rss()
        self.rows = None  # Those of the workload before.
        self.rows = np.load(rows)
        self.start = self.rows[:k].copy()
        return {"version": self.library.version(), "rss": before}

    def time(self, low, high, enough, inner):
        """CPU seconds of iterations, the mean of as many pairs of fits as take `enough` seconds together.

        `inner`: by the library's function for one iteration where it is known, else by fits that go beyond convergence where it does.
        """
        step = getattr(self.library, "inner", None) if inner else None
        if inner and not step and self.library.fit(self.rows, self.start, low + BEYOND)[0] == low + BEYOND:
            high = low + BEYOND
        seconds, fits, until = 0.0, 0, time.monotonic() + enough
        while not fits or time.monotonic() < until:
            fits += 1
            if step:
                seconds += step(self.rows, self.start, high)
                continue
            for iterations, sign in ((low, -1), (high, 1)):
                begin = time.process_time()
                done, _ = self.library.fit(self.rows, self.start, iterations)
                seconds += sign * (time.process_time() - begin)
                if done != iterations:
                    raise RuntimeError(f"asked for {iterations} iterations, it ended after {done}")
        return {"seconds": seconds / fits, "iterations": high if step else high - low, "inner": bool(step)}

    def answer(self, iterations, centroids):
        import numpy as np

        done, found = self.library.fit(self.rows, self.start, iterations)
        rss = peak_rss()
        np.save(centroids, found)
        return {"iterations": int(done), "rss": rss}


def main():
    # What libraries print must not get between the answers.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    session = None
    for line in sys.stdin:
        request = json.loads(line)
        do = request.pop("do")
        try:
            session = session or Session(library(sys.argv[1]))
            reply = getattr(session, do)(**request)
        except Exception as error:  # Whatever a library throws is this row's reason.
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=out, flush=True)


if __name__ == "__main__":
    main()
