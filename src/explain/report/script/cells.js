// The cells of the page's data: columns become objects.

function readCells() {
  const island = document.getElementById("data");
  const data = JSON.parse(island.textContent);
  const { columns } = data;
  const pair = (ends, i) => (ends[0][i] === null ? null : [ends[0][i], ends[1][i]]);
  data.cells = columns.id.map((id, i) => {
    const problem = data.problems[columns.problem[i]];
    const backend = data.backends[columns.backend[i]];
    const ranks = columns.ranks[i];
    const threads = columns.threads[i];
    const speedup = columns.speedup[i];
    const lanes = ranks * threads;
    const speedupRange = pair(columns.speedup_ends, i);
    return {
      id, backend, ranks, threads, lanes, speedup,
      index: i,
      name: data.names[columns.name[i]],
      problem: columns.problem[i],
      heading: problem.heading,
      dataset: problem.dataset,
      k: problem.k,
      rows: problem.rows,
      dims: problem.dims,
      base: problem.base === id,
      n: columns.n[i],
      seconds: columns.seconds[i],
      secondsRange: pair(columns.seconds_ends, i),
      speedupRange,
      efficiency: speedup === null ? null : speedup / lanes,
      efficiencyRange: speedupRange && speedupRange.map((end) => end / lanes),
      iterations: columns.iterations[i],
      inertia: columns.inertia[i],
      phases: columns.phases ? columns.phases[i] : null,
      samples: columns.samples ? columns.samples[i] : [],
      oversubscribed: columns.oversubscribed.includes(i),
      failure: columns.failure[i] || null,
    };
  });
  return data;
}

/// The lines that run a cell again.
function commandOf(data, cell) {
  return data.commands[cell.backend.start].replaceAll("{ID}", cell.id).replaceAll("{RANKS}", cell.ranks);
}

/// What there is to remark about a cell.
function remark(cell) {
  if (cell.failure) return cell.failure;
  return [cell.base && "base of the speedups", cell.oversubscribed && "more lanes than CPUs"].filter(Boolean).join(", ");
}

/// A cell in a sentence, for a tip and for readers who do not see the chart.
function inWords(cell) {
  if (cell.seconds === null) return `${cell.name}, ${cell.heading}: no result, ${cell.failure}`;
  const parts = [seconds(cell.seconds) + (cell.secondsRange ? ` (95 %: ${secondsRange(cell.secondsRange)})` : "")];
  if (cell.speedup !== null) {
    parts.push(`speedup ${significant(cell.speedup)}` + (cell.speedupRange ? ` (${range(cell.speedupRange)})` : ""));
    parts.push(`efficiency ${percent(cell.efficiency)}`);
  }
  parts.push(`n = ${cell.n}`);
  if (remark(cell)) parts.push(remark(cell));
  return `${cell.name}, ${cell.heading}: ${parts.join(", ")}`;
}

/// The single times of a cell as dots on a line, its median and its interval; null where the page has none.
function strip(cell, width) {
  const { samples } = cell;
  if (!samples.length) return null;
  const ends = cell.secondsRange || [cell.seconds, cell.seconds];
  const low = Math.min(...samples, ends[0]);
  const high = Math.max(...samples, ends[1]);
  const at = (value) => (high > low ? 6 + ((value - low) / (high - low)) * (width - 12) : width / 2);
  const { colour } = cell.backend;
  const box = { class: "figure strip", width, height: 22, viewBox: `0 0 ${width} 22`, "aria-hidden": "true" };
  return shape("svg", box,
    shape("rect", { x: at(ends[0]), y: 8, width: Math.max(at(ends[1]) - at(ends[0]), 1), height: 6, fill: "#DDDFE2" }),
    samples.map((sample) => shape("circle", { cx: at(sample), cy: 11, r: 3, fill: colour, "fill-opacity": 0.45 })),
    shape("rect", { x: at(cell.seconds) - 1, y: 2, width: 2, height: 18, fill: "#1A1A1A" }));
}

/// How many single times there are, and from where to where.
function samplesInWords(cell) {
  if (!cell.n) return "no good repeat";
  if (!cell.samples.length) return `${plural(cell.n, "repeat")}, single times not on this page`;
  const spread = secondsRange([Math.min(...cell.samples), Math.max(...cell.samples)]);
  return cell.samples.length < cell.n
    ? `${count(cell.samples.length)} of ${plural(cell.n, "repeat")}: ${spread}`
    : `${plural(cell.n, "repeat")}: ${spread}`;
}
