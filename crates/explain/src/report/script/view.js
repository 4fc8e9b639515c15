// What can be chosen among these cells, and what is chosen: a view. The address after the '#' holds it, so that it can be shared.

/// What cells can be chosen by; `knowSizes` adds the workloads' own sizes.
const CHOICES = [
  { key: "dataset", title: "Data set", show: String },
  { key: "rows", title: "Rows", show: count },
  { key: "dims", title: "Columns", show: count },
  { key: "ranks", title: "Ranks", show: count },
  { key: "threads", title: "Threads per rank", show: count },
];

/// The distinct values of `of` among cells, in the order in which they come; what is missing is none.
function distinct(cells, of) {
  return [...new Set(cells.map(of))].filter((value) => value !== null);
}

/// Does each value of one key go with one value of the other?
function sameAs(cells, one, other) {
  const pairs = distinct(cells, (cell) => JSON.stringify([cell[one], cell[other]])).length;
  return pairs === distinct(cells, (cell) => cell[one]).length && pairs === distinct(cells, (cell) => cell[other]).length;
}

/// What these cells leave to choose: only what differs among them is offered.
function optionsOf({ cells, problems }) {
  const choices = CHOICES.filter(({ key }) => distinct(cells, (cell) => cell[key]).length > 1)
    .filter(({ key }) => key !== "dims" || !(sameAs(cells, key, "dataset") || sameAs(cells, key, "rows")));
  // Problems that differ in nothing else that can be chosen are chosen by their names.
  const keys = ["dataset", ...Object.keys(ACROSS).filter((key) => key !== "lanes")];
  const kinds = new Set(problems.map((problem) => JSON.stringify(keys.map((key) => problem[key]))));
  if (kinds.size < distinct(cells, (cell) => cell.problem).length) {
    choices.unshift({ key: "problem", title: "Problem", show: (place) => problems[place].heading });
  }
  const across = Object.keys(ACROSS).filter((key) => distinct(cells, ACROSS[key].of).length > 1);
  const measures = Object.keys(MEASURES).filter((key) => cells.some((cell) => MEASURES[key].of(cell) !== null));
  return {
    choices,
    backends: distinct(cells, (cell) => cell.backend),
    across: across.length ? across : ["lanes"],
    measures: measures.length ? measures : ["time"],
    columns: columnsOf(cells, choices),
  };
}

/// The view of all cells.
function wholeView({ backends, across, measures }) {
  return { chosen: {}, backends: new Set(backends), across: across[0], measure: measures[0], sort: null, cell: null };
}

/// Does a cell belong to a view? The choice `but` is left out of account.
function fits(view, options, cell, but) {
  return view.backends.has(cell.backend)
    && options.choices.every(({ key }) => key === but || !(key in view.chosen) || cell[key] === view.chosen[key]);
}

/// The view that an address asks for. It comes from anywhere: only what names something that is here is taken.
function readView(parameters, cells, options) {
  const view = wholeView(options);
  for (const { key } of options.choices) {
    const value = distinct(cells, (cell) => cell[key]).find((value) => String(value) === parameters.get(key));
    if (value !== undefined) view.chosen[key] = value;
  }
  const named = options.backends.filter((backend) => parameters.getAll("backend").includes(backend.name));
  if (named.length) view.backends = new Set(named);
  if (options.across.includes(parameters.get("x"))) view.across = parameters.get("x");
  if (options.measures.includes(parameters.get("y"))) view.measure = parameters.get("y");
  const [, down, key] = /^(-?)(\w+)$/.exec(parameters.get("sort")) || [];
  if (options.columns.some((column) => column.key === key)) view.sort = { key, direction: down ? -1 : 1 };
  if (cells.some((cell) => cell.id === parameters.get("cell"))) view.cell = parameters.get("cell");
  return view;
}

/// What a view differs in from that of all cells.
function viewParameters(view, options) {
  const all = new URLSearchParams();
  for (const [key, value] of Object.entries(view.chosen)) all.set(key, value);
  if (view.backends.size < options.backends.length) {
    for (const backend of view.backends) all.append("backend", backend.name);
  }
  if (view.across !== options.across[0]) all.set("x", view.across);
  if (view.measure !== options.measures[0]) all.set("y", view.measure);
  if (view.sort) all.set("sort", (view.sort.direction < 0 ? "-" : "") + view.sort.key);
  if (view.cell) all.set("cell", view.cell);
  return all;
}

const HOME = "#explore";

/// What the address asks for; null where it asks for no view.
function parametersInAddress() {
  return location.hash.startsWith(`${HOME}?`) ? new URLSearchParams(location.hash.slice(HOME.length + 1)) : null;
}

/// Writes a view into the address without a step in the history.
function writeAddress(parameters) {
  const text = parameters.toString();
  const other = location.hash.startsWith(HOME) ? HOME : location.hash || "#";
  try {
    history.replaceState(null, "", text ? `${HOME}?${text}` : other);
  } catch {
    // Some browsers refuse it to a file; then the view is not in the address.
  }
}
