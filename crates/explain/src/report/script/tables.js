// Tables are sorted by a click on a column's header: up, down, as they were.

const FACTORS = {
  ns: 1e-9, "µs": 1e-6, ms: 1e-3, s: 1, min: 60, h: 3600,
  B: 1, KiB: 1024, MiB: 1048576, GiB: 1073741824, TiB: 1099511627776, "%": 0.01,
};

/// The number that a cell begins with, in its base unit; null where it begins with none.
function numberIn(text) {
  const found = /^[^\d-]{0,2}(-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?)\s*([^\d\s,;)]*)/i.exec(text.trim());
  if (!found) return null;
  const value = Number(found[1].replaceAll(",", ""));
  return Number.isFinite(value) ? value * (FACTORS[found[2]] || 1) : null;
}

/// Compares two keys; what is missing comes last in either direction.
function compareKeys(a, b, direction) {
  const missing = (key) => key === null || key === undefined || key === "";
  if (missing(a) || missing(b)) return missing(a) - missing(b);
  if (typeof a === "number" && typeof b === "number") return (a - b) * direction;
  return String(a).localeCompare(String(b), "en", { numeric: true }) * direction;
}

/// Turns the header of a column into a button. `sort(direction)` is called with 1, -1, or 0 for the order as it was.
function sortable(header, sort) {
  const button = element("button", { type: "button", class: "sort" });
  button.append(...header.childNodes);
  header.append(button);
  header.setAttribute("aria-sort", "none");
  button.addEventListener("click", () => {
    const direction = { none: 1, ascending: -1, descending: 0 }[header.getAttribute("aria-sort")];
    for (const other of header.parentElement.children) {
      if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
    }
    showOrder(header, direction);
    sort(direction);
  });
}

function showOrder(header, direction) {
  header.setAttribute("aria-sort", direction > 0 ? "ascending" : direction < 0 ? "descending" : "none");
}

function sortStaticTables() {
  for (const table of document.querySelectorAll("main table:not(.facts)")) {
    const body = table.tBodies[0];
    const headers = table.tHead ? [...table.tHead.rows[0].cells] : [];
    if (!body || body.rows.length < 2) continue;
    const original = [...body.rows];
    headers.forEach((header, column) => {
      // A range of words such as '1.90 to 1.95' sorts by its first number; a column of names by its words.
      const numeric = original.some((row) => row.cells[column] && numberIn(row.cells[column].textContent) !== null);
      const words = column === 0 || !numeric;
      const key = (row) => {
        const text = row.cells[column] ? row.cells[column].textContent.trim() : "";
        return words ? text : numberIn(text);
      };
      sortable(header, (direction) => {
        const rows = [...original];
        if (direction) rows.sort((a, b) => compareKeys(key(a), key(b), direction));
        body.append(...rows);
      });
    });
  }
}
