// The form above the chart: which cells, and what is drawn of them.

/// The form of these options. `change(edit)` edits the view and draws it. Returns the form and a function that makes it show a view.
function choiceForm(cells, options, change) {
  const stay = (event) => event.preventDefault();
  const form = element("form", { class: "choices", "aria-label": "Which cells", on: { submit: stay } });
  const lists = new Map();
  const list = (key, title, entries, edit) => {
    const chosen = () => change((view) => edit(view, select.value));
    const select = element("select", { name: key, on: { change: chosen } }, entries);
    lists.set(key, select);
    form.append(element("label", {}, element("span", {}, title), select));
  };

  for (const { key, title, show } of options.choices) {
    const values = distinct(cells, (cell) => cell[key]).sort((a, b) => compareKeys(a, b, 1));
    const entries = values.map((value) => element("option", { value }, show(value)));
    entries.unshift(element("option", { value: "" }, `all (${count(values.length)})`));
    list(key, title, entries, (view, chosen) => {
      const value = values.find((value) => String(value) === chosen);
      if (value === undefined) delete view.chosen[key];
      else view.chosen[key] = value;
    });
  }

  const boxes = new Map();
  if (options.backends.length > 1) {
    const group = element("fieldset", {}, element("legend", {}, "Backends"));
    for (const backend of options.backends) {
      const toggle = (view) => (box.checked ? view.backends.add(backend) : view.backends.delete(backend));
      const kind = { type: "checkbox", name: "backend", value: backend.name };
      const box = element("input", { ...kind, on: { change: () => change(toggle) } });
      const size = { width: 16, height: 16, viewBox: "-8 -8 16 16" };
      const sign = shape("svg", { class: "figure", "aria-hidden": "true", ...size }, marker(backend));
      boxes.set(backend, box);
      group.append(element("label", { class: "chip" }, box, sign, backend.name));
    }
    form.append(group);
  }

  const entries = (keys, title) => keys.map((key) => element("option", { value: key }, title(key)));
  if (options.measures.length > 1) {
    list("y", "Draw", entries(options.measures, (key) => MEASURES[key].title), (view, key) => (view.measure = key));
  }
  if (options.across.length > 1) {
    list("x", "Over", entries(options.across, (key) => ACROSS[key].short), (view, key) => (view.across = key));
  }
  const all = () => change((view) => Object.assign(view, wholeView(options)));
  const reset = element("button", { type: "button", class: "reset", on: { click: all } }, "Show all");
  form.append(reset);

  const show = (view) => {
    for (const { key } of options.choices) {
      const select = lists.get(key);
      select.value = key in view.chosen ? String(view.chosen[key]) : "";
      // What would leave no cell cannot be chosen.
      const possible = new Set(cells.filter((cell) => fits(view, options, cell, key)).map((cell) => String(cell[key])));
      for (const option of select.options) {
        option.disabled = option.value !== "" && option.value !== select.value && !possible.has(option.value);
      }
    }
    if (lists.has("x")) lists.get("x").value = view.across;
    if (lists.has("y")) lists.get("y").value = view.measure;
    for (const [backend, box] of boxes) box.checked = view.backends.has(backend);
    reset.hidden = !Object.keys(view.chosen).length && view.backends.size === options.backends.length;
  };
  return { form, show };
}
