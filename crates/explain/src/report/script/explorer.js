// The explorer: choices, a chart, one cell in full, a table. All of it is drawn anew whenever the view changes.

function explorer() {
  const section = document.getElementById("explore");
  if (!section) return;
  const data = readCells();
  const { cells } = data;
  const options = optionsOf(data);
  let view = wholeView(options);
  let shown = cells;

  const change = (edit) => {
    edit(view);
    writeAddress(viewParameters(view, options));
    render();
  };
  const select = (cell) => {
    change((view) => (view.cell = cell.id === view.cell ? null : cell.id));
    if (view.cell) details.scrollIntoView({ block: "nearest" });
  };
  const close = () => {
    const { cell } = view;
    change((view) => (view.cell = null));
    const button = table.button(cell);
    if (button) button.focus();
  };

  const status = element("p", { class: "note", role: "status" });
  const canvas = element("div", { class: "canvas" });
  const tip = element("div", { class: "tip", "aria-hidden": "true", hidden: true });
  const chart = element("div", { class: "chart" }, canvas, tip);
  const details = element("div", { class: "details", role: "region", "aria-label": "The selected cell", hidden: true });
  const choices = choiceForm(cells, options, change);
  const table = cellTable(options.columns, {
    sort: (column, direction) => change((view) => (view.sort = direction ? { key: column.key, direction } : null)),
    select,
    command: (cell) => commandOf(data, cell),
    lines: (cell) => {
      if (view.cell !== cell.id) select(cell);
      return details.querySelector("pre");
    },
  });
  section.append(choices.form, status, chart, details, ...table.nodes);

  let width = 0;
  const draw = () => {
    width = canvas.clientWidth || 640;
    tip.hidden = true;
    // The chart grows with the text of the page.
    const zoom = parseFloat(getComputedStyle(canvas).fontSize) / 16;
    const { points, left } = drawChart(canvas, shown, view, width / zoom);
    attend(canvas, tip, points, zoom, view.cell, select);
    const failed = shown.filter((cell) => cell.seconds === null).length;
    status.textContent = `${count(shown.length)} of ${plural(cells.length, "cell")}`
      + (failed ? `, ${count(failed)} without a result.` : ".")
      + (left ? ` The chart draws the first ${count(points.length)} of them.` : "");
  };
  const render = () => {
    const focused = document.activeElement.closest("tr[data-cell], .point");
    const point = focused && focused.classList.contains("point");
    shown = cells.filter((cell) => fits(view, options, cell));
    choices.show(view);
    draw();
    showDetails(details, data, cells.find((cell) => cell.id === view.cell), close);
    table.show(shown, view);
    // What had the focus was drawn anew.
    const heir = focused && (point ? canvas.querySelector('.point[tabindex="0"]') : table.button(focused.dataset.cell));
    if (heir) heir.focus({ preventScroll: true });
  };
  const follow = () => {
    const parameters = parametersInAddress();
    if (parameters) view = readView(parameters, cells, options);
    render();
    if (parameters) section.scrollIntoView({ behavior: "instant" });
  };

  section.hidden = false;
  document.querySelector('#contents a[href="#explore"]').parentElement.hidden = false;
  follow();
  addEventListener("hashchange", () => parametersInAddress() && follow());
  new ResizeObserver(() => Math.abs(canvas.clientWidth - width) > 1 && draw()).observe(canvas);
}
