// The table of the explorer: a row a cell.

/// Rows that are shown at first; five times as many more each time.
const ROWS = 100;

const maybe = (value, show) => (value === null ? "" : show(value));
const lower = (ends) => ends[0];

/// The columns. Those that vary are there only where cells differ in them, and not where an earlier column tells as much.
/// `knowSizes` adds the workloads' own sizes.
const COLUMNS = [
  { key: "name", title: "cell", text: (c) => c.name, sort: (c) => c.index },
  { key: "dataset", title: "data set", text: (c) => c.dataset, sort: (c) => c.dataset, varies: true },
  { key: "rows", title: "rows", number: true, text: (c) => maybe(c.rows, count), sort: (c) => c.rows, varies: true },
  { key: "dims", title: "columns", number: true, text: (c) => maybe(c.dims, count), sort: (c) => c.dims, varies: true },
  { key: "lanes", title: "lanes", number: true, text: (c) => count(c.lanes), sort: (c) => c.lanes },
  { key: "n", title: "n", number: true, text: (c) => count(c.n), sort: (c) => c.n },
  { key: "time", title: "time", number: true, text: (c) => maybe(c.seconds, seconds), sort: (c) => c.seconds },
  { key: "time95", title: "95 %", text: (c) => maybe(c.secondsRange, secondsRange), sort: (c) => maybe(c.secondsRange, lower) },
  { key: "speedup", title: "speedup", number: true, text: (c) => maybe(c.speedup, significant), sort: (c) => c.speedup },
  { key: "speedup95", title: "95 %", text: (c) => maybe(c.speedupRange, range), sort: (c) => maybe(c.speedupRange, lower) },
  { key: "efficiency", title: "efficiency", number: true, text: (c) => maybe(c.efficiency, percent), sort: (c) => c.efficiency },
  { key: "iterations", title: "iterations", number: true, text: (c) => maybe(c.iterations, count), sort: (c) => c.iterations,
    varies: true },
  { key: "objective", title: "objective", number: true, text: (c) => maybe(c.objective, exact), sort: (c) => c.objective },
  { key: "problem", title: "problem", text: (c) => c.heading, sort: (c) => c.problem, varies: true },
  { key: "remark", title: "remark", text: remark, sort: remark },
];

function columnsOf(cells, choices) {
  const told = ["dataset", "rows"];
  return COLUMNS.filter((column) => {
    if (!cells.some((cell) => column.text(cell))) return false;
    if (!column.varies) return true;
    if (column.key === "problem") return choices.some((choice) => choice.key === "problem");
    if (distinct(cells, (cell) => cell[column.key]).length < 2) return false;
    const before = told.slice(0, told.indexOf(column.key));
    return column.key === "iterations" || column.own || !before.some((key) => sameAs(cells, key, column.key));
  });
}

/// The table. `act` has what is to be done: `sort(column, direction)`, `select(cell)`, `command(cell)`, `lines(cell)` which shows the
/// command and returns its element. Returns the table in its box and a function that makes it show cells.
function cellTable(columns, act) {
  let rows = ROWS;
  let listed = [];
  let selected = null;
  const headers = new Map();
  const head = element("tr");
  for (const column of columns) {
    const header = element("th", { scope: "col", class: column.number ? "number" : null }, column.title);
    sortable(header, (direction) => act.sort(column, direction));
    headers.set(column.key, header);
    head.append(header);
    if (column === columns[0]) head.append(element("th", { scope: "col" }, "command"));
  }
  const body = element("tbody");
  const table = element("table", {}, element("caption", {}, "Cells"), element("thead", {}, head), body);
  const scroll = element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Cells" }, table);
  const more = element("button", { type: "button", class: "more", on: { click: () => {
    rows += 5 * ROWS;
    fill();
  } } });

  const row = (cell) => {
    const state = { type: "button", class: "name", "aria-expanded": String(cell.id === selected) };
    const name = element("button", { ...state, on: { click: () => act.select(cell) } }, cell.name);
    const label = `Copy the command that runs ${cell.name} again`;
    const copy = copyButton(label, () => act.command(cell), () => act.lines(cell));
    const row = element("tr", { "data-cell": cell.id });
    row.append(element("th", { scope: "row", class: "range" }, name), element("td", { class: "range" }, copy));
    for (const column of columns.slice(1)) {
      const kind = column.number ? "number" : column.key === "remark" ? "remark" : "range";
      row.append(element("td", { class: kind }, column.text(cell)));
    }
    row.classList.toggle("failed", cell.seconds === null);
    row.classList.toggle("base", cell.base);
    row.classList.toggle("selected", cell.id === selected);
    return row;
  };
  const fill = () => {
    body.replaceChildren(...listed.slice(0, rows).map(row));
    more.hidden = listed.length <= rows;
    more.textContent = `Show ${count(Math.min(5 * ROWS, listed.length - rows))} more of ${count(listed.length)}`;
  };
  const show = (cells, view) => {
    // Another choice begins at the top again; a cell that is selected does not.
    if (cells.length !== listed.length) rows = ROWS;
    selected = view.cell;
    listed = cells;
    for (const [key, header] of headers) showOrder(header, view.sort && view.sort.key === key ? view.sort.direction : 0);
    if (view.sort) {
      const { sort } = columns.find((column) => column.key === view.sort.key);
      listed = [...cells].sort((a, b) => compareKeys(sort(a), sort(b), view.sort.direction));
    }
    fill();
  };
  const button = (id) => body.querySelector(`tr[data-cell="${CSS.escape(id)}"] .name`);
  return { nodes: [scroll, more], show, button };
}
