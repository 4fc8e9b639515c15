// The cells of the page's data: columns become objects.

function readCells() {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { problems, cells: columns, kinds } = data;
  data.problems = problems.heading.map((heading, i) => ({
    heading,
    dataset: data.datasets[problems.dataset[i]],
    rows: problems.rows[i],
    dims: problems.dims[i],
    ...Object.fromEntries(problems.sizes.map(({ key, values }) => [key, values[i]])),
  }));
  knowSizes(problems.sizes);
  const inSeconds = (micros) => (micros === null ? null : micros / 1e6);
  const pair = (ends, i) => (ends[0][i] === null ? null : [ends[0][i], ends[1][i]]);
  const [bases, oversubscribed] = [new Set(columns.base), new Set(columns.oversubscribed)];
  let problem = 0;
  let objective = null;
  data.cells = columns.id.map((id, i) => {
    // Differences to the cell before, and 'true' for the same as before.
    problem += columns.problem[i];
    if (columns.objective[i] !== true) objective = columns.objective[i];
    const [name, backend, ranks, threads] = kinds[columns.kind[i]];
    const lanes = ranks * threads;
    const speedup = columns.speedup[i];
    const secondsRange = pair(columns.time_ends, i);
    const speedupRange = pair(columns.speedup_ends, i);
    return {
      id, name, ranks, threads, lanes, problem, speedup, speedupRange, objective,
      ...data.problems[problem],
      index: i,
      backend: data.backends[backend],
      base: bases.has(i),
      oversubscribed: oversubscribed.has(i),
      n: columns.n[i],
      seconds: inSeconds(columns.time[i]),
      secondsRange: secondsRange && secondsRange.map(inSeconds),
      efficiency: speedup === null ? null : speedup / lanes,
      efficiencyRange: speedupRange && speedupRange.map((end) => end / lanes),
      iterations: columns.iterations[i],
      phases: columns.phases && columns.phases[i] ? columns.phases[i].map(inSeconds) : null,
      samples: columns.samples ? columns.samples[i].map(inSeconds) : [],
      failure: columns.failure[i] || null,
    };
  });
  return data;
}

/// Makes the workloads' own sizes known to all that asks for what varies.
function knowSizes(sizes) {
  for (const { key, symbol, many } of sizes) {
    const name = `${many} ${symbol}`;
    const capital = name[0].toUpperCase() + name.slice(1);
    ACROSS = { lanes: ACROSS.lanes, [key]: { title: name, short: name, of: (c) => c[key] }, ...ACROSS };
    CHOICES.splice(CHOICES.findIndex((choice) => choice.key === "ranks"), 0, { key, title: capital, show: count });
    COLUMNS.splice(COLUMNS.findIndex((column) => column.key === "lanes"), 0,
      { key, title: symbol, number: true, text: (c) => maybe(c[key], count), sort: (c) => c[key], varies: true, own: true });
  }
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
