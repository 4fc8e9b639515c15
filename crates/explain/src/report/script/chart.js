// The chart of the explorer: one point a cell, with its interval.

const INK = "#1A1A1A", GREY = "#5F646A", RULE = "#DDDFE2", PAPER = "#FFFFFF";
/// Points drawn at most.
const POINTS = 1500;

/// What can be drawn upwards. An axis whose first tick is 0 is linear.
const MEASURES = {
  speedup: { title: "speedup", of: (c) => c.speedup, ends: (c) => c.speedupRange, show: plain, ticks: powers },
  time: { title: "time", of: (c) => c.seconds, ends: (c) => c.secondsRange, show: roundTime, ticks: roundTimes },
  efficiency: { title: "efficiency", of: (c) => c.efficiency, ends: (c) => c.efficiencyRange, show: percent, ticks: shares },
};

/// What can be drawn to the right; `knowSizes` adds the workloads' own sizes.
let ACROSS = {
  lanes: { title: "lanes (ranks × threads)", short: "lanes", of: (c) => c.lanes },
  rows: { title: "rows", short: "rows", of: (c) => c.rows },
  dims: { title: "columns", short: "columns", of: (c) => c.dims },
};

/// Cells that a line may connect: they differ in what is drawn to the right alone.
function seriesOf(cell, across) {
  if (across === "lanes") return `${cell.problem} ${cell.backend.name}`;
  const fixed = Object.keys(ACROSS).filter((key) => key !== "lanes" && key !== across).map((key) => cell[key]);
  return JSON.stringify([cell.dataset, cell.name, ...fixed]);
}

function write(text, x, y, anchor, attributes) {
  return shape("text", { x, y, dy: "0.35em", "text-anchor": anchor, fill: INK, ...attributes }, text);
}

/// Draws cells into `box`, `width` units wide. Returns the points, by series and from left to right, each with its place and its node;
/// and how many cells had no room.
function drawChart(box, cells, { across, measure }, width) {
  const { of } = MEASURES[measure];
  const x = ACROSS[across].of;
  const usable = cells.filter((cell) => of(cell) > 0 && x(cell) > 0);
  const shown = usable.slice(0, POINTS);
  if (!shown.length) {
    const why = cells.length ? `No cell here has a ${MEASURES[measure].title}.` : "No cell fits these choices.";
    box.replaceChildren(element("p", { class: "note empty" }, why));
    return { points: [], left: 0 };
  }
  const series = [...Map.groupBy(shown, (cell) => seriesOf(cell, across)).values()];
  for (const members of series) members.sort((a, b) => x(a) - x(b));
  // Lines are named where they end, while there is room and a backend's name is enough.
  const oneProblem = distinct(shown, (cell) => cell.problem).length === 1;
  const labels = across === "lanes" && oneProblem && series.length <= 14 && series.length > 1 && width > 420;
  const longest = Math.max(...shown.map((cell) => cell.backend.name.length));
  const plot = makePlot(shown, { across, measure }, width, labels ? Math.min(longest * 7 + 18, width / 3) : 16);

  const lines = shape("g");
  const marks = shape("g");
  const points = drawSeries(series, plot, { across, measure }, lines, marks);
  if (labels) nameLines(points, plot, lines);
  const title = `${MEASURES[measure].title} over ${ACROSS[across].short}, ${plural(points.length, "cell")}`;
  const picture = shape("svg", {
    class: "figure",
    role: "group",
    "aria-label": `${title}. Arrow keys move from point to point, Enter selects one.`,
    viewBox: `0 0 ${width} ${plot.bottom + 48}`,
  }, drawGround(plot, { across, measure }), lines, marks);
  box.replaceChildren(picture);
  return { points, left: usable.length - shown.length };
}

/// The plotting area with its axes: `x` and `y` turn values into places, `xs` are the values that there are to the right.
function makePlot(cells, { across, measure }, width, margin) {
  const { of, ends, show, ticks } = MEASURES[measure];
  const plot = { right: width - margin, top: 14, bottom: 300 };
  const end = (cell, i) => (ends(cell) ? ends(cell)[i] : of(cell));
  // An interval that goes far beyond everything else is cut, or the points would lie in one line.
  const least = Math.min(...cells.map((cell) => Math.max(end(cell, 0), of(cell) / 4)));
  const most = Math.max(...cells.map((cell) => Math.min(end(cell, 1), of(cell) * 4)));
  plot.ticks = ticks(least, most);
  plot.left = 38 + Math.max(...plot.ticks.map((tick) => show(tick).length)) * 6.5;
  const [low, high] = [plot.ticks[0], plot.ticks[plot.ticks.length - 1]];
  const axis = low > 0 ? logAxis : linearAxis;
  const place = axis(low, low > 0 ? high : Math.max(high, 1.1), plot.bottom, plot.top);
  plot.y = (value) => Math.min(Math.max(value > 0 ? place(value) : plot.bottom, plot.top), plot.bottom);
  plot.xs = distinct(cells, ACROSS[across].of).sort((a, b) => a - b);
  plot.x = logAxis(plot.xs[0], plot.xs[plot.xs.length - 1], plot.left + 22, plot.right - 22);
  return plot;
}

/// Grid, ticks, names of the axes, and the ideal where there is one.
function drawGround(plot, { across, measure }) {
  const { left, right, top, bottom } = plot;
  const ground = shape("g");
  for (const tick of ticksWithRoom(plot.ticks, plot.y, 18)) {
    const label = write(MEASURES[measure].show(tick), left - 8, plot.y(tick), "end");
    ground.append(shape("path", { d: `M${left},${plot.y(tick)}H${right}`, stroke: RULE }), label);
  }
  const widest = Math.max(...plot.xs.map((value) => count(value).length)) * 7 + 10;
  for (const tick of ticksWithRoom(plot.xs, plot.x, widest)) {
    const label = write(count(tick), plot.x(tick), bottom + 16, "middle");
    ground.append(shape("path", { d: `M${plot.x(tick)},${bottom}v5`, stroke: GREY }), label);
  }
  ground.append(write(ACROSS[across].title, (left + right) / 2, bottom + 36, "middle"));
  const turned = { transform: `translate(12 ${(top + bottom) / 2}) rotate(-90)` };
  ground.append(shape("g", turned, write(MEASURES[measure].title, 0, 0, "middle")));
  const ideal = idealLine(across, measure, plot.xs, plot.ticks);
  if (ideal) {
    const [[x0, y0], [x1, y1]] = ideal.map(([x, y]) => [plot.x(x), plot.y(y)]);
    ground.append(shape("path", { d: `M${x0},${y0}L${x1},${y1}`, stroke: GREY, "stroke-dasharray": "5 4" }));
    ground.append(write("ideal", (x0 + x1) / 2 - 4, (y0 + y1) / 2 - 9, "end", { fill: GREY }));
  }
  return ground;
}

/// Draws each series: a line where one means something, and a marker with its interval for each cell. Returns the points.
function drawSeries(series, plot, { across, measure }, lines, marks) {
  const { of, ends } = MEASURES[measure];
  const x = ACROSS[across].of;
  const backends = distinct(series.flat(), (cell) => cell.backend);
  const step = across === "lanes" ? Math.min(5, 24 / backends.length) : 0;
  const points = [];
  series.forEach((members, row) => {
    const { backend } = members[0];
    // Backends stand a little beside each other, so that points of one place can be told apart.
    const aside = (backends.indexOf(backend) - (backends.length - 1) / 2) * step;
    const places = members.map((cell) => [plot.x(x(cell)) + aside, plot.y(of(cell))]);
    // Two cells of one place: no order in which to connect them.
    const once = members.every((cell, i) => i === 0 || x(cell) > x(members[i - 1]));
    if (once && members.length > 1) {
      const d = `M${places.map((place) => place.join()).join("L")}`;
      const opacity = series.length > 24 ? 0.3 : 0.8;
      const stroke = { stroke: backend.colour, "stroke-width": 1.6, "stroke-opacity": opacity };
      lines.append(shape("path", { d, fill: "none", ...stroke }));
    }
    members.forEach((cell, i) => {
      const [px, py] = places[i];
      const at = `translate(${px.toFixed(1)} ${py.toFixed(1)})`;
      const node = shape("g", { class: "point", role: "img", tabindex: "-1", transform: at, "aria-label": inWords(cell) });
      if (ends(cell)) {
        const [from, to] = ends(cell).map((end) => (plot.y(end) - py).toFixed(1));
        node.append(shape("path", { d: `M0,${from}V${to}`, stroke: backend.colour, "stroke-width": 1.6 }));
      }
      node.append(marker(backend));
      marks.append(node);
      points.push({ cell, row, x: px, y: py, node });
    });
  });
  return points;
}

/// Writes the backend's name where each line ends: at the right edge, or beside its last point where that is far from it.
function nameLines(points, plot, lines) {
  const last = points.filter((point, i) => i + 1 === points.length || points[i + 1].row !== point.row);
  const near = (point) => point.x > plot.right - 60;
  for (const { cell: { backend }, x, y } of last.filter((point) => !near(point))) {
    lines.append(write(backend.name, x + 11, y - 12, "start", { fill: backend.colour, class: "label" }));
  }
  const ended = last.filter(near);
  const heights = spread(ended.map((point) => point.y), 15, plot.top, plot.bottom);
  ended.forEach(({ cell: { backend }, x, y }, i) => {
    lines.append(shape("path", { d: `M${x + 7},${y}L${plot.right + 4},${heights[i]}`, stroke: RULE }));
    lines.append(write(backend.name, plot.right + 8, heights[i], "start", { fill: backend.colour, class: "label" }));
  });
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
