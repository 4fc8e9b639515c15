"""A step of ours on XLA's plugin for processors beside k-means steps of JAX, on the same rows. Run it by `make bench-xla`; docs/trainium.md.

Everything runs in this process, bound to one CPU. In a round each contender gives one sample, the CPU time of one call to its last result.
Medians over rounds are printed, and ratios to the fastest step of JAX: on the plugin, which is the same compiler, runtime and way of
calling, and in jaxlib, which may be another version of XLA. Upload and compilation are timed once, apart.
"""

import argparse
import os
import statistics
import time

parser = argparse.ArgumentParser(prog="make bench-xla ARGS=", description=__doc__.splitlines()[0])
parser.add_argument("--rounds", type=int, default=25, metavar="N", help="samples of each (25)")
parser.add_argument("--cpu", type=int, help="the CPU that everything is timed on (the last one allowed)")
parser.add_argument("--plugin", required=True, help=argparse.SUPPRESS)
parser.add_argument("--text", required=True, metavar="FOLDER", help=argparse.SUPPRESS)
parser.add_argument("--shape", required=True, help=argparse.SUPPRESS)
args = parser.parse_args()
os.sched_setaffinity(0, {args.cpu if args.cpu is not None else max(os.sched_getaffinity(0))})
os.environ["JAX_PLATFORMS"] = "cpu"

import jax  # noqa: E402 (after the process is bound, so that its pool of threads is)
import jax.numpy as jnp  # noqa: E402
import jaxlib  # noqa: E402
import numpy  # noqa: E402
from pypjrt.client import Client  # noqa: E402

F32 = 11
ROWS, DIMS, K = (int(n) for n in args.shape.split("x"))


def step(sums):
    """A step as users of JAX write it: labels by argmax, then these sums and counts."""

    def run(x, c):
        scores = x @ c.T - 0.5 * (c * c).sum(1)
        labels = jnp.argmax(scores, 1)
        return labels, *sums(x, labels)

    return jax.jit(run)


def one_hot(x, labels):
    hot = jax.nn.one_hot(labels, K, dtype=jnp.float32)
    return hot.T @ x, hot.sum(0)


def segment_sum(x, labels):
    return jax.ops.segment_sum(x, labels, K), jnp.bincount(labels, length=K)


class OnPlugin:
    """A program's text on the plugin, with its inputs there."""

    def __init__(self, client, text, inputs):
        before = time.perf_counter()
        self.program = client.compile(text)
        self.compiled_s = time.perf_counter() - before
        before = time.perf_counter()
        with client.device() as device:
            self.inputs = [
                client.buffer_from_host(numpy.ascontiguousarray(x).reshape(-1), F32, x.shape, device) for x in inputs
            ]
        self.uploaded_s = time.perf_counter() - before

    def __call__(self):
        outputs = self.program(*self.inputs)
        # The smallest output is there when the program has ended.
        smallest = min(outputs, key=lambda output: output.nbytes)
        smallest.to_host()
        return outputs


def contenders():
    random = numpy.random.default_rng(1)
    means = 3 * random.normal(size=(K, DIMS))
    rows = ((means[random.integers(0, K, ROWS)] + random.normal(size=(ROWS, DIMS))) / 16).astype(numpy.float32)
    centroids = rows[:K].copy()
    starts = (-0.5 * (centroids.astype(float) ** 2).sum(1)).astype(numpy.float32)
    columns = numpy.concatenate([rows.T, numpy.ones((1, ROWS), numpy.float32)])
    with_starts = numpy.concatenate([centroids, starts[:, None]], 1)
    old = numpy.full(ROWS, -1, numpy.float32)
    client = Client.create(args.plugin)
    ours = {
        "ours, sums on the device": ("update", old),
        "ours, certified labels": ("certified", numpy.full((1,), 1e-6, numpy.float32).reshape(())),
    }
    everybody = {}
    for name, (kind, last) in ours.items():
        with open(f"{args.text}/{kind}.mlir") as file:
            everybody[name] = OnPlugin(client, file.read(), [columns, with_starts, last])
    for name, sums in {"segment_sum": segment_sum, "one_hot": one_hot}.items():
        run = step(sums)
        text = run.lower(rows, centroids).as_text()
        everybody[f"JAX {name}, on the plugin"] = OnPlugin(client, text, [rows, centroids])
        here = [jnp.asarray(rows), jnp.asarray(centroids)]
        everybody[f"JAX {name}"] = lambda run=run, here=here: jax.block_until_ready(run(*here))
    labels = numpy.asarray(everybody["JAX segment_sum"]()[0])
    mine = numpy.frombuffer(everybody["ours, sums on the device"]()[0].to_host(), numpy.float32)
    print(f"labels that differ from JAX's: {(mine != labels).sum()} of {ROWS}")
    return everybody


def main():
    everybody = contenders()
    samples = {name: [] for name in everybody}
    for call in everybody.values():
        call()
    for _ in range(args.rounds):
        for name, call in everybody.items():
            before = time.process_time()
            call()
            samples[name].append(1e3 * (time.process_time() - before))
    medians = {name: statistics.median(values) for name, values in samples.items()}
    jax_there = min(value for name, value in medians.items() if name.startswith("JAX") and name.endswith("plugin"))
    jax_here = min(value for name, value in medians.items() if name.startswith("JAX") and not name.endswith("plugin"))
    print(f"{ROWS} x {DIMS}, k = {K}; jaxlib {jaxlib.__version__}; CPU ms of a step, {args.rounds} rounds")
    print(f"{'':32} {'median':>8} {'least':>8} {'of JAX there':>13} {'of jaxlib':>10}   upload s  compile s")
    for name, values in samples.items():
        call = everybody[name]
        apart = f"   {call.uploaded_s:8.3f}  {call.compiled_s:9.3f}" if isinstance(call, OnPlugin) else ""
        ratios = f"{medians[name] / jax_there:13.2f} {medians[name] / jax_here:10.2f}"
        print(f"{name:32} {medians[name]:8.2f} {min(values):8.2f} {ratios}{apart}")


main()
