// Axes of the chart.

/// Doubling is always the same distance. `from` and `to` are places, `low` and `high` positive values.
function logAxis(low, high, from, to) {
  const span = Math.log2(high / low);
  return (value) => (span ? from + (Math.log2(value / low) / span) * (to - from) : (from + to) / 2);
}

function linearAxis(low, high, from, to) {
  return (value) => (high > low ? from + ((value - low) / (high - low)) * (to - from) : (from + to) / 2);
}

/// The ticks that have room: ends first, then the others in their order, at least `gap` apart; in rising order.
function ticksWithRoom(values, at, gap) {
  const wanted = [values[0], values[values.length - 1], ...values.slice(1, -1)];
  const kept = [];
  for (const value of wanted) {
    if (kept.every((other) => Math.abs(at(other) - at(value)) >= gap)) kept.push(value);
  }
  return kept.sort((a, b) => a - b);
}

/// Powers of two, or of ten where they span more than that, that hold everything from `low` to `high`.
function powers(low, high) {
  const step = high / low > 512 ? 10 : 2;
  const from = Math.floor(Math.log(low) / Math.log(step) + 1e-9);
  const to = Math.max(Math.ceil(Math.log(high) / Math.log(step) - 1e-9), from + 1);
  return Array.from({ length: to - from + 1 }, (_, i) => step ** (from + i));
}

/// Round times 1, 2, 5, 10 … seconds that hold everything from `low` to `high`.
function roundTimes(low, high) {
  const all = [];
  for (let e = -10; e < 8; e++) for (const m of [1, 2, 5]) all.push(Number(`${m}e${e}`));
  const first = all.findLastIndex((tick) => tick <= low * 1.0001);
  const last = all.findIndex((tick) => tick >= high * 0.9999);
  const ticks = all.slice(Math.max(first, 0), last < 0 ? undefined : last + 1);
  return ticks.length > 1 ? ticks : [ticks[0], ticks[0] * 2];
}

/// From 0 to at least 1, and to `high`.
function shares(_, high) {
  const step = high > 4 ? 1 : high > 2 ? 0.5 : 0.25;
  return Array.from({ length: Math.ceil(Math.max(high - 0.1, 1) / step - 1e-9) + 1 }, (_, i) => i * step);
}

/// Moves places apart until neighbours are at least `gap` apart, within `low` to `high` where there is room; keeps their order.
function spread(wanted, gap, low, high) {
  const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b]);
  const placed = [...wanted];
  let least = low;
  for (const i of order) {
    placed[i] = Math.max(placed[i], least);
    least = placed[i] + gap;
  }
  let most = high;
  for (const i of order.reverse()) {
    placed[i] = Math.min(placed[i], most);
    most = placed[i] - gap;
  }
  return placed;
}
