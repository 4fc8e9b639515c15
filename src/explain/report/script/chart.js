// The chart of the explorer: one point a cell, with its interval.

const INK = "#1A1A1A", GREY = "#5F646A", RULE = "#DDDFE2", PAPER = "#FFFFFF";
/// Points drawn at most.
const POINTS = 1500;

/// What can be drawn upwards.
const MEASURES = {
  speedup: { title: "speedup", of: (c) => c.speedup, ends: (c) => c.speedupRange, show: (v) => String(Number(v.toPrecision(3))), ticks: powers },
  time: { title: "time", of: (c) => c.seconds, ends: (c) => c.secondsRange, show: roundTime, ticks: roundTimes },
  efficiency: { title: "efficiency", of: (c) => c.efficiency, ends: (c) => c.efficiencyRange, show: percent, ticks: null },
};

/// What can be drawn to the right.
const ACROSS = {
  lanes: { title: "lanes (ranks × threads)", short: "lanes", of: (c) => c.lanes },
  k: { title: "clusters k", short: "clusters k", of: (c) => c.k },
  rows: { title: "rows", short: "rows", of: (c) => c.rows },
  dims: { title: "columns", short: "columns", of: (c) => c.dims },
};

/// Cells that a line may connect: they differ in what is drawn to the right alone.
function seriesOf(cell, across) {
  if (across === "lanes") return `${cell.problem} ${cell.backend.name}`;
  const fixed = ["k", "rows", "dims"].filter((key) => key !== across).map((key) => cell[key]);
  return JSON.stringify([cell.dataset, cell.name, ...fixed]);
}

function write(text, x, y, anchor, attributes) {
  return shape("text", { x, y, dy: "0.35em", "text-anchor": anchor, fill: INK, ...attributes }, text);
}

/// Draws cells into `box`, `width` pixels wide. Returns the points, by series and from left to right, each with its place and its node;
/// and how many cells had no room.
function drawChart(box, cells, { across, measure }, width) {
  const { of, ends, show, ticks } = MEASURES[measure];
  const x = ACROSS[across].of;
  const usable = cells.filter((cell) => of(cell) > 0 && x(cell) > 0);
  const shown = usable.slice(0, POINTS);
  if (!shown.length) {
    box.replaceChildren(element("p", { class: "note empty" }, cells.length ? `No cell here has a ${MEASURES[measure].title}.` : "No cell fits these choices."));
    return { points: [], left: 0 };
  }
  const series = new Map();
  for (const cell of shown) {
    const key = seriesOf(cell, across);
    if (!series.has(key)) series.set(key, []);
    series.get(key).push(cell);
  }
  const problems = new Set(shown.map((cell) => cell.problem));
  // Lines are named where they end, while there is room and a backend's name is enough.
  const labels = across === "lanes" && problems.size === 1 && series.size <= 14 && series.size > 1 && width > 420;
  const longest = Math.max(...shown.map((cell) => cell.backend.name.length));
  const plot = { right: width - (labels ? Math.min(longest * 7 + 18, width / 3) : 16), top: 14, bottom: 300 };

  const low = (cell) => (ends(cell) ? ends(cell)[0] : of(cell));
  const high = (cell) => (ends(cell) ? ends(cell)[1] : of(cell));
  const xs = [...new Set(shown.map(x))].sort((a, b) => a - b);
  const least = Math.min(...shown.map((cell) => Math.max(low(cell), of(cell) / 4)));
  const most = Math.max(...shown.map((cell) => Math.min(high(cell), of(cell) * 4)));
  let yTicks, atY;
  if (ticks) {
    yTicks = ticks(least, most);
    atY = logAxis(yTicks[0], yTicks[yTicks.length - 1], plot.bottom, plot.top);
  } else {
    const step = most > 4 ? 1 : most > 2 ? 0.5 : 0.25;
    yTicks = Array.from({ length: Math.ceil(Math.max(most, 1) / step - 1e-9) + 1 }, (_, i) => i * step);
    atY = linearAxis(0, Math.max(1.1, yTicks[yTicks.length - 1] + (yTicks[yTicks.length - 1] < most ? step : 0)), plot.bottom, plot.top);
  }
  plot.left = 38 + Math.max(...yTicks.map((tick) => show(tick).length)) * 6.5;
  const atX = logAxis(xs[0], xs[xs.length - 1], plot.left + 22, plot.right - 22);
  const kept = (y) => Math.min(Math.max(y, plot.top), plot.bottom);

  const ground = shape("g", {});
  for (const tick of ticksWithRoom(yTicks, atY, 18)) {
    ground.append(shape("path", { d: `M${plot.left},${atY(tick)}H${plot.right}`, stroke: RULE }), write(show(tick), plot.left - 8, atY(tick), "end"));
  }
  const widest = Math.max(...xs.map((value) => count(value).length)) * 7 + 10;
  for (const tick of ticksWithRoom(xs, atX, widest)) {
    ground.append(shape("path", { d: `M${atX(tick)},${plot.bottom}v5`, stroke: GREY }), write(count(tick), atX(tick), plot.bottom + 16, "middle"));
  }
  ground.append(write(ACROSS[across].title, (plot.left + plot.right) / 2, plot.bottom + 36, "middle"));
  ground.append(shape("text", { transform: `translate(10 ${(plot.top + plot.bottom) / 2}) rotate(-90)`, "text-anchor": "middle", fill: INK }, MEASURES[measure].title));
  const ideal = idealLine(across, measure, xs, yTicks);
  if (ideal) {
    const [[x0, y0], [x1, y1]] = ideal;
    ground.append(shape("path", { d: `M${atX(x0)},${atY(y0)}L${atX(x1)},${atY(y1)}`, stroke: GREY, "stroke-dasharray": "5 4" }));
    const [middle, height] = [(atX(x0) + atX(x1)) / 2, (atY(y0) + atY(y1)) / 2];
    ground.append(write("ideal", middle - 4, height - 9, "end", { fill: GREY }));
  }

  const lines = shape("g", {});
  const marks = shape("g", {});
  const backends = [...new Set(shown.map((cell) => cell.backend))];
  const points = [];
  const ended = [];
  [...series.values()].forEach((members, row) => {
    members.sort((a, b) => x(a) - x(b));
    const { backend } = members[0];
    // Backends stand a little beside each other, so that points of one place can be told apart.
    const aside = across === "lanes" ? (backends.indexOf(backend) - (backends.length - 1) / 2) * Math.min(5, 24 / backends.length) : 0;
    const places = members.map((cell) => [atX(x(cell)) + aside, kept(atY(of(cell)))]);
    // Two cells of one place: no order in which to connect them.
    const once = members.every((cell, i) => i === 0 || x(cell) > x(members[i - 1]));
    if (once && members.length > 1) {
      lines.append(shape("path", { d: `M${places.map((place) => place.join()).join("L")}`, fill: "none", stroke: backend.colour, "stroke-width": 1.6, "stroke-opacity": series.size > 24 ? 0.3 : 0.8 }));
    }
    members.forEach((cell, i) => {
      const [px, py] = places[i];
      const node = shape("g", { class: "point", role: "img", tabindex: "-1", transform: `translate(${px.toFixed(1)} ${py.toFixed(1)})`, "aria-label": inWords(cell) });
      if (ends(cell)) {
        const [from, to] = ends(cell).map((end) => kept(end > 0 ? atY(end) : plot.bottom) - py);
        node.append(shape("path", { d: `M0,${from.toFixed(1)}V${to.toFixed(1)}`, stroke: backend.colour, "stroke-width": 1.6 }));
      }
      node.append(marker(backend));
      marks.append(node);
      points.push({ cell, row, x: px, y: py, node });
    });
    ended.push({ backend, place: places[places.length - 1] });
  });
  if (labels) {
    const heights = spread(ended.map((end) => end.place[1]), 15, plot.top, plot.bottom);
    ended.forEach((end, i) => {
      const { backend, place } = end;
      lines.append(shape("path", { d: `M${place[0] + 7},${place[1]}L${plot.right + 4},${heights[i]}`, stroke: RULE }));
      lines.append(write(backend.name, plot.right + 8, heights[i], "start", { fill: backend.colour, class: "label" }));
    });
  }
  const picture = shape("svg", { class: "figure", role: "group", "aria-label": `${MEASURES[measure].title} over ${ACROSS[across].short}, ${plural(points.length, "cell")}. Arrow keys move from point to point, Enter selects one.`, width, height: 348, viewBox: `0 0 ${width} 348` }, ground, lines, marks);
  box.replaceChildren(picture);
  return { points, left: usable.length - shown.length };
}

/// From where to where the ideal line runs within the ticks; null where there is none.
function idealLine(across, measure, xs, yTicks) {
  const [first, last] = [xs[0], xs[xs.length - 1]];
  if (across !== "lanes" || first === last) return null;
  if (measure === "efficiency") return [[first, 1], [last, 1]];
  if (measure !== "speedup") return null;
  const from = Math.max(first, yTicks[0]);
  const to = Math.min(last, yTicks[yTicks.length - 1]);
  return from < to ? [[from, from], [to, to]] : null;
}
