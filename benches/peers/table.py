"""What is printed, and the statistics in it. Needs nothing but Python, so that it can be tested anywhere."""

import random
from statistics import median

# Fewer rounds than this cannot deliver a 95 % interval: the range of the rounds is shown instead.
ENOUGH_ROUNDS = 6


def best_peer(results):
    """The peer with the lowest median, `None` where none ran."""
    peers = [r for r in results if not r.ours and r.samples]
    return min(peers, key=lambda r: median(r.samples), default=None)


def ratio(results, ours, resamples=2000):
    """How many times faster ours is than the best peer: (ratio, low, high, kind of the interval).

    The rounds are resampled jointly, since what disturbs a round disturbs all of it; which peer is best is decided in each resample anew.
    """
    peers = [r for r in results if not r.ours and r.samples]
    if not peers or not ours.samples:
        return None
    rounds = range(min(len(r.samples) for r in [ours, *peers]))

    def of(chosen):
        return min(median(p.samples[i] for i in chosen) for p in peers) / median(ours.samples[i] for i in chosen)

    if len(rounds) < ENOUGH_ROUNDS:
        each = [of([i]) for i in rounds]
        return of(rounds), min(each), max(each), "range"
    source = random.Random(1)
    drawn = sorted(of(source.choices(rounds, k=len(rounds))) for _ in range(resamples))
    return of(rounds), drawn[int(0.025 * resamples)], drawn[int(0.975 * resamples) - 1], "95%"


def rates(limits):
    """Of one lane, from what `amdahl-worker --limits` prints: flop/s, and bytes/s of reading with the capacity of each level.

    `None` where the arithmetic or the memory was not measured.
    """
    flops = max((p["fma"]["best"] or 0 for p in limits["peaks"] if p["lanes"] == 1), default=0)
    levels = {}
    for row in limits["bandwidths"]:
        if row["lanes"] == 1 and row["read"]["best"]:
            # Pages of one kind are faster than those of the other.
            best = max(row["read"]["best"], levels.get(row["level"], (0, 0))[0])
            levels[row["level"]] = (best, row["capacity_bytes"])
    if not flops or "memory" not in levels:
        return None
    caches = sorted((size, rate) for level, (rate, size) in levels.items() if level != "memory" and size)
    return {"flops": flops, "caches": caches, "memory": levels["memory"][0]}


def floor_seconds(workload, known):
    """max(2nkd / FMA peak, 4nd / read bandwidth of the level that holds the rows): no exact step is faster. `None` without rates."""
    if not known:
        return None
    read = next((rate for size, rate in known["caches"] if workload.data_bytes <= size), known["memory"])
    return max(workload.flops / known["flops"], workload.data_bytes / read)


def milliseconds(seconds):
    ms = seconds * 1e3
    return f"{ms:.0f}" if ms >= 1000 else f"{ms:.3g}" if ms >= 1 else f"{ms:.2g}"


def against(value, reference):
    """The relative difference."""
    return f"{value / reference - 1:+.0e}" if reference and value is not None else ""


def workload_table(workload, results, known, iterations):
    """The lines for one workload."""
    floor = floor_seconds(workload, known)
    title = f"{workload.name}: {workload.shape}, {iterations} iterations"
    title += f", floor {milliseconds(floor)} ms" if floor else ", floor unknown"
    head = ["", "ms/iteration", "min-max", "best peer / it", "all, ms", "of floor", "peak MB", "x data", "inertia", "vs ours", "after 1"]
    rows = [head]
    ours = next((r for r in results if r.ours and r.inertia is not None), None)
    for r in results:
        if not r.samples:
            rows.append([r.name, f"cannot run: {r.cannot}"])
            continue
        mid = median(r.samples)
        times = ratio(results, r) if r.ours else None
        note = "*" if r.inner else "" if r.cannot is None else "!"
        rows.append(
            [
                r.name + note,
                milliseconds(mid),
                f"{milliseconds(min(r.samples))}-{milliseconds(max(r.samples))}",
                f"{times[0]:.2f} [{times[1]:.2f}, {times[2]:.2f}]" if times else "",
                milliseconds(median(r.whole)) if r.whole else "",
                f"{floor / mid:.0%}" if floor else "",
                f"{r.rss / 1e6:.0f}" if r.rss else "",
                f"{r.rss / workload.data_bytes:.2f}" if r.rss else "",
                f"{r.inertia:.9g}" if r.inertia is not None else "",
                against(r.inertia, ours and ours.inertia),
                against(r.inertia_of_one, ours and ours.inertia_of_one),
            ]
        )
    notes = [f"  ! {r.name} ended early: {r.cannot}" for r in results if r.samples and r.cannot]
    return [title, *aligned(rows), *notes, ""]


def aligned(rows):
    """Columns side by side, numbers to the right; a row of two cells is a name and a sentence."""
    whole = [row for row in rows if len(row) > 2]
    widths = [max(len(row[i]) for row in whole) for i in range(len(whole[0]))]
    widths[0] = max(len(row[0]) for row in rows)
    lines = []
    for row in rows:
        rest = row[1:] if len(row) == 2 else [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append(("  " + "  ".join([row[0].ljust(widths[0]), *rest])).rstrip())
    return lines


def summary(measured):
    """Issue-style table: one line for each of our layouts, one column for each workload."""
    names = [workload.name for workload, _ in measured]
    rows = [["best peer / ours", *names]]
    layouts = {r.name: None for _, results in measured for r in results if r.ours}
    for layout in layouts:
        cells = []
        for _, results in measured:
            ours = next((r for r in results if r.name == layout), None)
            against = ratio(results, ours) if ours else None
            cells.append(f"{against[0]:.2f}x" if against else "-")
        rows.append([layout, *cells])
    best = [best_peer(results) for _, results in measured]
    rows.append(["best peer", *[r.name if r else "-" for r in best]])
    return [*aligned_all(rows), ""]


def aligned_all(rows):
    """Columns side by side, whatever their number."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        ("  " + "  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths)))).rstrip()
        for row in rows
    ]


def odd_line(workload, results):
    """One line for a shape nobody tuned for."""
    peer = best_peer(results)
    cells = [f"{workload.shape:<30}"]
    slower = False
    for r in results:
        if not r.ours:
            continue
        against = ratio(results, r)
        if against is None:
            cells.append(f"{r.name}: {('cannot run: ' + r.cannot) if r.cannot else 'no peer to compare with'}")
            continue
        # Slower when even the upper end of the interval is below 1.
        mark = " SLOWER" if against[2] < 1 else " slower?" if against[0] < 1 else ""
        slower |= bool(mark)
        cells.append(
            f"{r.name}: {milliseconds(median(r.samples)):>6} ms  {against[0]:6.2f}x [{against[1]:.2f}, {against[2]:.2f}]{mark}"
        )
    if peer:
        inner = "*" if peer.inner else ""
        cells.append(f"best peer {peer.name}{inner} {milliseconds(median(peer.samples))} ms")
    cells += [f"{r.name} cannot run: {r.cannot}" for r in results if not r.ours and not r.samples]
    return "  ".join(cells), slower
