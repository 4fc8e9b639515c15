// Everything about one cell, and how to run it again.

/// Fills the box with a cell, or empties it. `close()` is called when the reader has seen enough.
function showDetails(box, data, cell, close) {
  box.hidden = !cell;
  box.replaceChildren();
  if (!cell) return;
  const values = element("dl", {});
  const value = (name, ...text) => values.append(element("div", {}, element("dt", {}, name), element("dd", {}, ...text)));
  value("problem", cell.heading);
  value("ranks × threads", `${count(cell.ranks)} × ${count(cell.threads)}`);
  const interval = (ends, show, without) => (ends ? ` (95 %: ${show(ends)})` : without);
  if (cell.seconds !== null) {
    value("time", seconds(cell.seconds), interval(cell.secondsRange, secondsRange, " (too few repeats for an interval)"));
  }
  if (cell.speedup !== null) value("speedup", significant(cell.speedup), interval(cell.speedupRange, range, ""));
  if (cell.efficiency !== null) value("efficiency", percent(cell.efficiency));
  if (cell.iterations !== null) value("iterations", count(cell.iterations));
  if (cell.objective !== null) value("objective", exact(cell.objective));
  if (cell.phases) {
    const total = cell.seconds || cell.phases.reduce((sum, part) => sum + part, 0);
    const share = (i) => cell.phases[i] / total;
    const named = (phase, i) => cell.phases[i] > 0 || phase.name !== "accelerator";
    const parts = data.phases.map((phase, i) => (named(phase, i) ? `${phase.name} ${percent(share(i))}` : ""))
      .filter((part) => part);
    const other = 1 - cell.phases.reduce((sum, part) => sum + part, 0) / total;
    if (other >= 0.005) parts.push(`other ${percent(other)}`);
    value("of the time", phaseBar(data.phases, cell.phases, total), parts.join(", "));
  }
  if (cell.n) value("repeats", strip(cell, 260), samplesInWords(cell));
  if (remark(cell)) value(cell.failure ? "no result" : "remark", remark(cell));
  value("id", element("code", {}, cell.id));

  const lines = element("pre", { tabindex: "0" }, commandOf(data, cell));
  const copy = copyButton("Copy the command that runs this cell again", () => lines.textContent, () => lines);
  const shut = { type: "button", class: "close", "aria-label": "Close the details of this cell", on: { click: close } };
  box.append(
    element("h3", {}, cell.name),
    element("button", shut, "Close"),
    values,
    element("p", { class: "note" }, "To run it again:"),
    element("div", { class: "code" }, lines, copy),
  );
}

function phaseBar(phases, parts, total) {
  const width = 260;
  let x = 0;
  const bars = phases.map((phase, i) => {
    const wide = Math.max(Math.min((parts[i] / total) * width, width - x), 0);
    const bar = shape("rect", { x, y: 4, width: wide, height: 12, fill: phase.colour });
    x += wide;
    return bar;
  });
  const box = { class: "figure strip", width, height: 20, viewBox: `0 0 ${width} 20`, "aria-hidden": "true" };
  return shape("svg", box,
    shape("rect", { x: 0, y: 4, width, height: 12, fill: "#DDDFE2" }), bars);
}
