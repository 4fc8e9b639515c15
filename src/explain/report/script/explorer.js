// The explorer: choices, a chart, a table, one cell in full. All of it is drawn anew whenever the view changes.

/// Rows of the table that are shown at first, and how many more each time.
const ROWS = 100;

/// What cells can be chosen by; only what differs among the cells is offered.
const CHOICES = [
  { key: "dataset", title: "Data set", show: String },
  { key: "rows", title: "Rows", show: count },
  { key: "dims", title: "Columns", show: count },
  { key: "k", title: "Clusters k", show: count },
  { key: "ranks", title: "Ranks", show: count },
  { key: "threads", title: "Threads per rank", show: count },
];

/// The table's columns; those that say of what problem a cell is only where problems differ in it.
const COLUMNS = [
  { key: "name", title: "cell", of: (c) => c.name, sort: (c) => c.index },
  { key: "problem", title: "problem", of: (c) => c.heading, sort: (c) => c.problem, varies: true },
  { key: "dataset", title: "data set", of: (c) => c.dataset, sort: (c) => c.dataset, varies: true },
  { key: "rows", title: "rows", number: true, of: (c) => c.rows !== null && count(c.rows), sort: (c) => c.rows, varies: true },
  { key: "dims", title: "columns", number: true, of: (c) => c.dims !== null && count(c.dims), sort: (c) => c.dims, varies: true },
  { key: "k", title: "k", number: true, of: (c) => count(c.k), sort: (c) => c.k, varies: true },
  { key: "lanes", title: "lanes", number: true, of: (c) => count(c.lanes), sort: (c) => c.lanes },
  { key: "n", title: "n", number: true, of: (c) => count(c.n), sort: (c) => c.n },
  { key: "time", title: "time", number: true, of: (c) => c.seconds !== null && seconds(c.seconds), sort: (c) => c.seconds },
  { key: "time95", title: "95 %", of: (c) => c.secondsRange && secondsRange(c.secondsRange), sort: (c) => c.secondsRange && c.secondsRange[0] },
  { key: "speedup", title: "speedup", number: true, of: (c) => c.speedup !== null && significant(c.speedup), sort: (c) => c.speedup },
  { key: "speedup95", title: "95 %", of: (c) => c.speedupRange && range(c.speedupRange), sort: (c) => c.speedupRange && c.speedupRange[0] },
  { key: "efficiency", title: "efficiency", number: true, of: (c) => c.efficiency !== null && percent(c.efficiency), sort: (c) => c.efficiency },
  { key: "iterations", title: "iterations", number: true, of: (c) => c.iterations !== null && count(c.iterations), sort: (c) => c.iterations, varies: true },
  { key: "inertia", title: "inertia", number: true, of: (c) => c.inertia !== null && c.inertia.toPrecision(6), sort: (c) => c.inertia },
  { key: "remark", title: "remark", of: remark, sort: remark },
];

function explorer() {
  const section = document.getElementById("explore");
  if (!section) return;
  const data = readCells();
  const { cells } = data;
  const distinct = (of) => [...new Set(cells.map(of))].filter((value) => value !== null);
  const choices = CHOICES.filter(({ key }) => distinct((cell) => cell[key]).length > 1);
  // Problems that differ in nothing else that can be chosen are chosen by their names.
  const kinds = new Set(data.problems.map((problem) => JSON.stringify([problem.dataset, problem.rows, problem.dims, problem.k])));
  if (kinds.size < distinct((cell) => cell.problem).length) {
    choices.unshift({ key: "problem", title: "Problem", show: (place) => data.problems[place].heading });
  }
  const backends = distinct((cell) => cell.backend);
  const across = Object.keys(ACROSS).filter((key) => distinct(ACROSS[key].of).length > 1);
  if (!across.length) across.push("lanes");
  const measures = Object.keys(MEASURES).filter((key) => cells.some((cell) => MEASURES[key].of(cell) !== null));
  if (!measures.length) measures.push("time");
  const columns = COLUMNS.filter((column) => cells.some((cell) => column.of(cell)))
    .filter((column) => !column.varies || choices.some((choice) => choice.key === column.key) || (column.key === "iterations" && distinct(column.sort).length > 1));

  const fresh = () => ({ chosen: {}, backends: new Set(backends), across: across[0], measure: measures[0], sort: null, cell: null });
  let view = fresh();
  let rows = ROWS;

  // What the page says of itself is taken as it is; what an address says is taken only where it names something that is here.
  function read(parameters) {
    view = fresh();
    for (const { key } of choices) {
      const value = distinct((cell) => cell[key]).find((value) => String(value) === parameters.get(key));
      if (value !== undefined) view.chosen[key] = value;
    }
    const named = backends.filter((backend) => parameters.getAll("backend").includes(backend.name));
    if (named.length) view.backends = new Set(named);
    if (across.includes(parameters.get("x"))) view.across = parameters.get("x");
    if (measures.includes(parameters.get("y"))) view.measure = parameters.get("y");
    const [, down, key] = /^(-?)(\w+)$/.exec(parameters.get("sort")) || [];
    if (columns.some((column) => column.key === key)) view.sort = { key, direction: down ? -1 : 1 };
    if (cells.some((cell) => cell.id === parameters.get("cell"))) view.cell = parameters.get("cell");
  }
  function parameters() {
    const all = new URLSearchParams();
    for (const [key, value] of Object.entries(view.chosen)) all.set(key, value);
    if (view.backends.size < backends.length) for (const backend of view.backends) all.append("backend", backend.name);
    if (view.across !== across[0]) all.set("x", view.across);
    if (view.measure !== measures[0]) all.set("y", view.measure);
    if (view.sort) all.set("sort", (view.sort.direction < 0 ? "-" : "") + view.sort.key);
    if (view.cell) all.set("cell", view.cell);
    return all;
  }
  const fits = (cell, but) => view.backends.has(cell.backend)
    && choices.every(({ key }) => key === but || !(key in view.chosen) || cell[key] === view.chosen[key]);

  // The form.
  const form = element("form", { class: "choices", "aria-label": "Which cells", on: { submit: (event) => event.preventDefault() } });
  const lists = new Map();
  const labelled = (title, control) => element("label", {}, element("span", {}, title), control);
  const listOf = (key, title, options, change) => {
    const list = element("select", { name: key, on: { change } }, options);
    lists.set(key, list);
    form.append(labelled(title, list));
  };
  for (const { key, title, show } of choices) {
    const values = distinct((cell) => cell[key]).sort((a, b) => compareKeys(a, b, 1));
    const options = values.map((value) => element("option", { value }, show(value)));
    listOf(key, title, [element("option", { value: "" }, `all (${count(values.length)})`), ...options], (event) => {
      const value = values.find((value) => String(value) === event.target.value);
      if (value === undefined) delete view.chosen[key];
      else view.chosen[key] = value;
      changed();
    });
  }
  const boxes = new Map();
  if (backends.length > 1) {
    const group = element("fieldset", {}, element("legend", {}, "Backends"));
    for (const backend of backends) {
      const box = element("input", { type: "checkbox", name: "backend", value: backend.name, on: { change: () => {
        if (box.checked) view.backends.add(backend);
        else view.backends.delete(backend);
        changed();
      } } });
      boxes.set(backend, box);
      const sign = shape("svg", { class: "figure sign", width: 16, height: 16, viewBox: "-8 -8 16 16", "aria-hidden": "true" }, marker(backend));
      group.append(element("label", { class: "chip" }, box, sign, backend.name));
    }
    form.append(group);
  }
  if (measures.length > 1) {
    listOf("y", "Draw", measures.map((key) => element("option", { value: key }, MEASURES[key].title)), (event) => {
      view.measure = event.target.value;
      changed();
    });
  }
  if (across.length > 1) {
    listOf("x", "Over", across.map((key) => element("option", { value: key }, ACROSS[key].short)), (event) => {
      view.across = event.target.value;
      changed();
    });
  }
  const reset = element("button", { type: "button", class: "reset", on: { click: () => {
    view = fresh();
    changed();
  } } }, "Show all");
  form.append(reset);

  // Everything below it.
  const status = element("p", { class: "note", role: "status" });
  const canvas = element("div", { class: "canvas" });
  const tip = element("div", { class: "tip", "aria-hidden": "true", hidden: true });
  const chart = element("div", { class: "chart" }, canvas, tip);
  const details = element("div", { class: "details", role: "region", "aria-label": "The selected cell", hidden: true });
  const body = element("tbody");
  const headers = new Map();
  const head = element("tr", {});
  for (const column of columns) {
    const header = element("th", { scope: "col", class: column.number ? "number" : null }, column.title);
    sortable(header, (direction) => {
      view.sort = direction ? { key: column.key, direction } : null;
      changed();
    });
    headers.set(column.key, header);
    head.append(header);
    if (column === columns[0]) head.append(element("th", { scope: "col" }, "command"));
  }
  const table = element("table", {}, element("caption", {}, "Cells"), element("thead", {}, head), body);
  const more = element("button", { type: "button", on: { click: () => {
    rows += 5 * ROWS;
    fillTable(sorted());
  } } });
  section.append(form, status, chart, details, element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Cells" }, table), more);

  let shown = [];
  const sorted = () => {
    if (!view.sort) return shown;
    const { sort } = columns.find((column) => column.key === view.sort.key);
    return [...shown].sort((a, b) => compareKeys(sort(a), sort(b), view.sort.direction));
  };
  function select(cell, focus) {
    view.cell = cell && cell.id !== view.cell ? cell.id : null;
    changed();
    if (view.cell && focus) details.scrollIntoView({ block: "nearest" });
  }
  function fillTable(list) {
    body.replaceChildren(...list.slice(0, rows).map((cell) => {
      const row = element("tr", { class: cell.failure ? "failed" : cell.base ? "base" : null, "data-cell": cell.id });
      row.classList.toggle("selected", cell.id === view.cell);
      const source = () => {
        if (view.cell !== cell.id) select(cell, true);
        return details.querySelector("pre");
      };
      const copy = copyButton(`Copy the command that runs ${cell.name} again`, () => commandOf(data, cell), source);
      const name = element("button", { type: "button", class: "name", "aria-expanded": String(cell.id === view.cell), on: { click: () => select(cell, true) } }, cell.name);
      row.append(element("th", { scope: "row" }, name), element("td", {}, copy));
      for (const column of columns.slice(1)) {
        row.append(element("td", { class: column.number ? "number" : column.key === "remark" ? "remark" : "range" }, column.of(cell) || ""));
      }
      return row;
    }));
    more.hidden = list.length <= rows;
    more.textContent = `Show ${count(Math.min(5 * ROWS, list.length - rows))} more of ${count(list.length)}`;
  }
  let width = 0;
  function draw() {
    width = canvas.clientWidth || 640;
    tip.hidden = true;
    const { points, left } = drawChart(canvas, shown, view, width);
    attend(canvas, tip, points, view.cell, (cell) => select(cell, true));
    const failed = shown.filter((cell) => cell.seconds === null).length;
    const undrawn = left ? ` The chart draws the first ${count(points.length)} of them.` : "";
    status.textContent = `${count(shown.length)} of ${plural(cells.length, "cell")}${failed ? `, ${count(failed)} without a result` : ""}.${undrawn}`;
  }
  function render() {
    const focused = document.activeElement && document.activeElement.closest && document.activeElement.closest("tr[data-cell], .point");
    const inPoint = focused && focused.classList.contains("point");
    const again = inPoint ? view.cell : focused && focused.dataset.cell;
    shown = cells.filter((cell) => fits(cell));
    for (const { key } of choices) {
      const list = lists.get(key);
      list.value = key in view.chosen ? String(view.chosen[key]) : "";
      const possible = new Set(cells.filter((cell) => fits(cell, key)).map((cell) => String(cell[key])));
      for (const option of list.options) option.disabled = option.value !== "" && option.value !== list.value && !possible.has(option.value);
    }
    if (lists.has("x")) lists.get("x").value = view.across;
    if (lists.has("y")) lists.get("y").value = view.measure;
    for (const [backend, box] of boxes) box.checked = view.backends.has(backend);
    reset.hidden = shown.length === cells.length;
    for (const [key, header] of headers) showOrder(header, view.sort && view.sort.key === key ? view.sort.direction : 0);
    draw();
    showDetails(details, data, cells.find((cell) => cell.id === view.cell), () => {
      const row = body.querySelector(`tr[data-cell="${CSS.escape(view.cell)}"] button`);
      select(null);
      if (row) row.focus();
    });
    fillTable(sorted());
    // What had the focus was drawn anew.
    const heir = again && (inPoint ? canvas.querySelector(".point.selected") : body.querySelector(`tr[data-cell="${CSS.escape(again)}"] button`));
    if (heir) heir.focus({ preventScroll: true });
  }
  function changed() {
    rows = ROWS;
    writeAddress(parameters());
    render();
  }

  section.hidden = false;
  document.querySelector('#contents a[href="#explore"]').parentElement.hidden = false;
  const asked = stateInAddress();
  if (asked) read(asked);
  render();
  if (asked) section.scrollIntoView({ behavior: "instant" });
  addEventListener("hashchange", () => {
    const asked = stateInAddress();
    if (!asked) return;
    read(asked);
    render();
    section.scrollIntoView();
  });
  new ResizeObserver(() => {
    if (Math.abs(canvas.clientWidth - width) > 1) draw();
  }).observe(canvas);
}
