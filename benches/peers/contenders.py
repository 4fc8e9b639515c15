"""The contenders as the driver sees them: each can be asked for a sample, and says why where it cannot run."""

import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from workloads import inertia

HERE = Path(__file__).parent
# A sample of something short is a summary of repeats that take this many seconds together.
ENOUGH = 0.3
# A difference of two fits that is not above 0 is measured again.
TRIES = 3
PHASES = ["load", "init", "assign", "reduce", "update", "wait", "finish"]
TIMED = ["assign", "reduce", "update", "wait"]


class CannotRun(Exception):
    """With the reason, as the table shows it."""


@dataclass
class Task:
    """A workload, its rows, and how its iterations are counted."""

    workload: object
    rows: Path
    # Iterations before the clustering converges, at most the workload's.
    iterations: int
    # Does it converge soon after them, so that a program that watches for that cannot be asked for many more?
    converges: bool = False

    @property
    def low(self):
        return 2 if self.iterations >= 6 else 1

    @property
    def high(self):
        return max(self.iterations, self.low + 1)

    @property
    def apart(self):
        """Iterations by which two of our runs differ."""
        return self.iterations - self.low

    @property
    def narrow(self):
        """Are the two fits too close for their difference to stand out?"""
        return self.converges and self.high - self.low < 4


@dataclass
class Result:
    """What one contender left on one workload."""

    name: str
    ours: bool
    version: str = ""
    # CPU seconds per iteration, one for each round.
    samples: list = field(default_factory=list)
    # The same of all iterations, the first included. Ours alone.
    whole: list = field(default_factory=list)
    inertia: float | None = None
    # After one iteration: before near ties that were decided otherwise could lead elsewhere.
    inertia_of_one: float | None = None
    iterations: int | None = None
    # Largest resident set and, of peers, that before the rows were there.
    rss: int | None = None
    rss_before: int | None = None
    # Timed by the function inside the library instead of by the difference of two fits.
    inner: bool = False
    cannot: str | None = None


class Peer:
    """A library of Python in a process of its own (peer.py)."""

    def __init__(self, name, cpu, scratch):
        self.name, self.cpu, self.scratch = name, cpu, scratch
        self.process = None

    def ready(self):
        """Itself, with a process that waits for requests."""
        if self.process and self.process.poll() is None:
            return self
        self.end()
        self.errors = open(self.scratch / f"{self.name}.log", "w+")
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "peer.py"), self.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {self.cpu}),
        )
        return self

    def ask(self, **request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self.errors.seek(0)
            last = self.errors.read().strip().splitlines()[-1:] or ["without a word"]
            raise CannotRun(f"its process ended with {self.process.wait()}: {last[0]}")
        reply = json.loads(line)
        if "error" in reply:
            raise CannotRun(reply["error"])
        return reply

    def begin(self, task, result, answers):
        loaded = self.ask(do="load", rows=str(task.rows), k=task.workload.k)
        result.version, result.rss_before = loaded["version"], loaded["rss"]
        # The first fits bring pages and code into memory, and are those whose answers are compared.
        if not answers:
            self.ask(do="answer", iterations=task.iterations, centroids=str(self.centroids()))
            return
        result.inertia_of_one, _ = self.answer(task, 1)
        result.inertia, answer = self.answer(task, task.iterations)
        result.iterations, result.rss = answer["iterations"], answer["rss"]

    def answer(self, task, iterations):
        answer = self.ask(do="answer", iterations=iterations, centroids=str(self.centroids()))
        return inertia(task.rows, self.centroids()), answer

    def centroids(self):
        return self.scratch / f"{self.name}.npy"

    def sample(self, task, result):
        for _ in range(TRIES):
            reply = self.ask(do="time", low=task.low, high=task.high, enough=ENOUGH, inner=task.narrow)
            result.inner = reply["inner"]
            if reply["seconds"] > 0:
                return reply["seconds"] / reply["iterations"]
        raise CannotRun("the iterations are lost in the noise of what a fit does beside them")

    def end(self):
        if self.process is None:
            return
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()
        self.process = None


class Ours:
    """A worker process for each sample, given a cell as anybody could write it."""

    def __init__(self, name, layout, worker, cpu, scratch):
        self.name, self.layout, self.worker, self.cpu = name, layout, worker, cpu
        self.cell = scratch / f"{name.replace(' ', '-')}.json"

    def run(self, task, stop, warmup=1):
        """One report."""
        kmeans = {"kind": "kmeans", "k": task.workload.k, "init": "first-rows", "stop": stop, "warmup": warmup}
        if self.layout:
            kmeans["layout"] = self.layout
        dataset = {"source": "file", "path": str(task.rows.resolve())}
        cell = {"workload": kmeans, "dataset": dataset, "backend": "serial", "ranks": 1, "threads": 1}
        self.cell.write_text(json.dumps(cell))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AMDAHL_")}
        environment["AMDAHL_PROBES"] = "clock,rusage"
        # A kernel may be chosen from outside, to see what it is worth.
        environment |= {name: os.environ[name] for name in ("AMDAHL_KERNEL",) if name in os.environ}
        done = subprocess.run(
            [self.worker, "--cell", str(self.cell)],
            capture_output=True,
            text=True,
            env=environment,
            preexec_fn=lambda: os.sched_setaffinity(0, {self.cpu}),
        )
        if done.returncode != 0:
            said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[0]
            raise CannotRun(said.removeprefix("amdahl-worker: ").removeprefix(f"{self.cell}: "))
        report = json.loads(done.stdout)
        if "done" not in report["end"]:
            raise CannotRun(report["end"]["failed"]["reason"])
        return report["end"]["done"]

    def begin(self, task, result, answers):
        try:
            one = self.run(task, {"iterations": 1})
        except CannotRun as reason:
            # A worker from before layouts had names: it has the tiles alone.
            if self.layout != "tiles" or "unknown field `layout`" not in str(reason):
                raise
            self.layout = None
            one = self.run(task, {"iterations": 1})
        if not answers:
            return
        result.inertia_of_one = one["answer"]["inertia"]
        measured = self.run(task, {"iterations": task.iterations})
        result.version = f"amdahl, {measured['kernel']}"
        self.note(measured, result)

    def note(self, measured, result):
        result.inertia = measured["answer"]["inertia"]
        result.iterations = measured["answer"]["iterations"]
        result.rss = max(result.rss or 0, measured["peak_rss_bytes"])

    def sample(self, task, result):
        """As the peers are timed: by the difference of two runs, where both can be had. The mean of all iterations is noted beside it."""
        pairs, until = [], time.monotonic() + ENOUGH
        while not pairs or time.monotonic() < until:
            measured = self.run(task, {"iterations": task.iterations})
            self.note(measured, result)
            many = cpu_seconds(measured)
            few = many if task.apart < 4 else cpu_seconds(self.run(task, {"iterations": task.low}))
            pairs.append((many, few))
        many, few = (sorted(times)[len(times) // 2] for times in zip(*pairs))
        result.whole.append(many / result.iterations)
        if task.apart < 4 or many <= few:
            return many / result.iterations
        return (many - few) / task.apart

    def convergence(self, task, most):
        """The iteration in which no label changes, `None` where that is beyond `most`."""
        stop = {"converged": {"tolerance": 0.0, "max_iterations": most}}
        answer = self.run(task, stop, warmup=0)["answer"]
        return answer["iterations"] if answer["converged"] else None


def cpu_seconds(measured):
    """CPU time of the timed part of a report of one lane."""
    for name, _unit, _from, values in measured["readings"]["values"]:
        if name == "cpu":
            return sum(values[0][PHASES.index(phase)] for phase in TIMED)
    raise CannotRun("the report has no CPU time")
