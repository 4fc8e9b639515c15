"""Ours against scikit-learn 'lloyd', oneDAL and faiss, on one core, interleaved. Run it by `make bench-peers`; docs/benchmarks.md."""

import argparse
import contextlib
import dataclasses
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import table
import workloads
from contenders import CannotRun, Ours, Peer, Result, Task

LAYOUTS = {"ours, row-major": "rows", "ours, tiles": "tiles"}


def arguments():
    parser = argparse.ArgumentParser(prog="make bench-peers ARGS=", description=__doc__)
    parser.add_argument("--only", metavar="W1,W3", help="these workloads alone")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="samples of each contender (7; with --odd 3)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, 3 rounds")
    parser.add_argument("--odd", action="store_true", help="the shapes that nobody tuned for")
    help = "of scikit-learn, oneDAL, daal4py, faiss (all but daal4py); ours always runs"
    parser.add_argument("--contenders", metavar="NAME,..", default="scikit-learn,oneDAL,faiss", help=help)
    parser.add_argument("--cpu", type=int, help="the CPU that everything is timed on (the last one allowed)")
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="all samples, versions, and the machine")
    parser.add_argument("--worker", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--scratch", type=Path, required=True, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if "--rounds" not in " ".join(sys.argv) and (args.quick or args.odd):
        args.rounds = 3
    if args.rounds < 1:
        parser.error("--rounds is at least 1")
    return parser, args


def chosen(parser, args):
    listed = workloads.odd() if args.odd else workloads.WORKLOADS
    if args.only:
        wanted = [name.strip() for name in args.only.split(",")]
        if args.odd:
            listed = [w for w in listed if any(x in (f"n={w.n}", f"d={w.d}", f"k={w.k}") for x in wanted)]
        else:
            unknown = set(wanted) - {w.name for w in listed}
            if unknown:
                parser.error(f"no workload {', '.join(sorted(unknown))}: there are W1 to W5")
            listed = [w for w in listed if w.name in wanted]
    return [workloads.quick(w) for w in listed] if args.quick else listed


def limits(worker, cpu):
    """What one core of this machine can do, or the reason why that is unknown."""
    done = subprocess.run(
        [worker, "--limits"], capture_output=True, text=True, preexec_fn=lambda: os.sched_setaffinity(0, {cpu})
    )
    if done.returncode != 0:
        return None, (done.stderr.strip().splitlines() or ["the worker says nothing"])[0].removeprefix("error: ")
    measured = json.loads(done.stdout)
    return measured, None if table.rates(measured) else "neither arithmetic nor reading could be measured"


def measure(workload, args, cpu, scratch, peers, say):
    """All contenders on one workload, a sample of each in every round, each round in another order."""
    rows = workloads.write(workload, args.scratch / "data")
    task = Task(workload, rows, workload.iterations)
    ours = [Ours(name, layout, args.worker, cpu, scratch) for name, layout in LAYOUTS.items()]
    if args.odd:
        look_ahead(task, Ours("ours, probe", None, args.worker, cpu, scratch))
    field = [(c, Result(c.name, isinstance(c, Ours))) for c in [*(peer.ready() for peer in peers), *ours]]

    def attempt(contender, result, act):
        if result.cannot:
            return
        try:
            act()
        except CannotRun as reason:
            result.cannot = str(reason)
            say(f"{workload.name}: {contender.name} cannot run: {reason}")

    for contender, result in field:
        attempt(contender, result, lambda: contender.begin(task, result, answers=not args.odd))
    for number in range(args.rounds):
        turn = number % len(field)
        for contender, result in field[turn:] + field[:turn]:
            attempt(contender, result, lambda: result.samples.append(contender.sample(task, result)))
        say(f"{workload.name}: round {number + 1} of {args.rounds}")
    if not args.odd:
        # Their memory is that of one workload. Where it is not looked at, starting them once is enough.
        for peer in peers:
            peer.end()
    return task, [result for _, result in field]


def look_ahead(task, probe):
    """Timed are iterations in which labels change: a clustering that converges early is timed up to there."""
    try:
        last = probe.convergence(task, task.high + 1)
    except CannotRun:
        return
    if last is not None:
        task.iterations = min(task.iterations, max(1, last - 1))
        task.converges = True


def machine(cpu):
    with open("/proc/cpuinfo") as info:
        model = next((line.split(":")[1].strip() for line in info if line.startswith("model name")), "unknown")
    load = os.getloadavg()[0]
    return {"cpu": model, "pinned_to": cpu, "cpus": os.cpu_count(), "python": platform.python_version(), "load1": load}


def main():
    with contextlib.ExitStack() as stack:
        run(stack)


def run(stack):
    parser, args = arguments()
    listed = chosen(parser, args)
    allowed = os.sched_getaffinity(0)
    cpu = args.cpu if args.cpu is not None else max(allowed)
    if cpu not in allowed:
        parser.error(f"CPU {cpu} may not be used: {sorted(allowed)} may")
    # The driver itself keeps off that CPU.
    os.sched_setaffinity(0, allowed - {cpu} or allowed)

    def say(text):
        print(f"bench-peers: {time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)

    say("measuring the limits of the machine")
    measured_limits, unknown = limits(args.worker, cpu)
    known = measured_limits and table.rates(measured_limits)
    if unknown:
        say(f"the floor is unknown: {unknown}")
    here = machine(cpu)
    print(f"CPU ms per iteration on CPU {cpu} ({here['cpu']}), f32, from the first k rows, tolerance 0, {args.rounds} rounds.")
    if known:
        print(f"Limits of one core: {known['flops'] / 1e9:.0f} GFLOP/s f32, {known['memory'] / 1e9:.1f} GB/s read from memory.")
    print("A sample: CPU time of (many iterations - few) / the difference. 'all': ours, the first iterations included.\n")
    measured, slower = [], []
    scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=args.scratch)))
    peers = [Peer(name, cpu, scratch) for name in args.contenders.split(",")]
    for peer in peers:
        stack.callback(peer.end)
    for workload in listed:
        task, results = measure(workload, args, cpu, scratch, peers, say)
        measured.append((workload, results))
        if args.odd:
            line, behind = table.odd_line(workload, results)
            slower += [workload.shape] if behind else []
            print(line, flush=True)
            task.rows.unlink()
        else:
            print("\n".join(table.workload_table(workload, results, known, task.iterations)), flush=True)
        save(args, here, measured_limits, measured)
    if args.odd:
        print(f"\n{len(slower)} of {len(listed)} shapes where ours is slower than the best peer.")
    else:
        print("\n".join(table.summary(measured)))
    if any(r.inner for _, results in measured for r in results):
        print("* timed by its inner function: the clustering converges before the fits could differ enough")
    versions = {r.name: r.version for _, results in measured for r in results if r.version}
    print("; ".join(versions.values()))
    if not any(r.samples for _, results in measured for r in results):
        sys.exit(6)


def save(args, here, limits, measured):
    """After every workload, so that what was measured is not lost."""
    if not args.out:
        return
    content = {
        "machine": here,
        "limits": limits,
        "rounds": args.rounds,
        "workloads": [
            {
                **dataclasses.asdict(workload),
                "floor_seconds": table.floor_seconds(workload, limits and table.rates(limits)),
                "contenders": [dataclasses.asdict(result) for result in results],
            }
            for workload, results in measured
        ],
    }
    part = args.out.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1))
    part.replace(args.out)


if __name__ == "__main__":
    main()
