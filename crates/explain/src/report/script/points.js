// What readers do with the points of the chart: hover, move by arrow keys, select.

/// Attends to a chart's points; a unit of the chart is `zoom` pixels. `select(cell)` is called for the one that the reader chooses.
function attend(box, tip, points, zoom, selected, select) {
  const picture = box.querySelector("svg");
  if (!picture) return;
  let current = points.find((point) => point.cell.id === selected) || points[0];
  const stop = (point) => {
    current.node.setAttribute("tabindex", "-1");
    current = point;
    current.node.setAttribute("tabindex", "0");
  };
  stop(current);
  for (const point of points) point.node.classList.toggle("selected", point.cell.id === selected);

  let shown = null;
  const show = (point) => {
    if (point === shown) return;
    if (shown) shown.node.classList.remove("near");
    shown = point;
    tip.hidden = !point;
    if (!point) return;
    point.node.classList.add("near");
    fillTip(tip, point.cell);
    const room = box.clientWidth;
    const left = Math.min(Math.max(point.x * zoom - tip.offsetWidth / 2, 0), Math.max(room - tip.offsetWidth, 0));
    const above = point.y * zoom - tip.offsetHeight - 14;
    tip.style.left = `${left}px`;
    tip.style.top = `${above < -40 ? point.y * zoom + 14 : above}px`;
  };
  const nearest = (event) => {
    const edge = picture.getBoundingClientRect();
    const [x, y] = [(event.clientX - edge.left) / zoom, (event.clientY - edge.top) / zoom];
    let best = null;
    let least = 30 * 30;
    for (const point of points) {
      const distance = (point.x - x) ** 2 + (point.y - y) ** 2;
      if (distance < least) [best, least] = [point, distance];
    }
    return best;
  };
  picture.addEventListener("pointermove", (event) => show(nearest(event)));
  picture.addEventListener("pointerleave", () => show(null));
  picture.addEventListener("click", (event) => {
    const point = nearest(event);
    if (point) select(point.cell);
  });
  picture.addEventListener("focusin", (event) => {
    const point = points.find((point) => point.node.contains(event.target));
    if (!point) return;
    stop(point);
    show(point);
  });
  picture.addEventListener("focusout", () => show(null));
  picture.addEventListener("keydown", (event) => {
    const go = (point) => {
      event.preventDefault();
      if (point) point.node.focus();
    };
    const place = points.indexOf(current);
    const beside = (step) => (points[place + step] && points[place + step].row === current.row ? points[place + step] : null);
    const other = (step) => {
      const rows = points.filter((point) => point.row === current.row + step);
      const far = (point) => Math.abs(point.x - current.x);
      return rows.reduce((best, point) => (best && far(best) <= far(point) ? best : point), null);
    };
    switch (event.key) {
      case "ArrowRight": return go(beside(1));
      case "ArrowLeft": return go(beside(-1));
      case "ArrowDown": return go(other(1));
      case "ArrowUp": return go(other(-1));
      case "Home": return go(points[0]);
      case "End": return go(points[points.length - 1]);
      case "Escape": return show(null);
      case "Enter":
      case " ":
        event.preventDefault();
        return select(current.cell);
    }
  });
}

function fillTip(tip, cell) {
  const line = (...text) => element("div", {}, ...text);
  const interval = (ends, show, without = "") => (ends ? `, 95 %: ${show(ends)}` : without);
  tip.replaceChildren(element("strong", {}, cell.name), line(cell.heading));
  if (cell.seconds !== null) {
    tip.append(line(seconds(cell.seconds) + interval(cell.secondsRange, secondsRange, ", too few repeats for an interval")));
  }
  if (cell.speedup !== null) {
    tip.append(line(`speedup ${significant(cell.speedup)}` + interval(cell.speedupRange, range)));
    tip.append(line(`efficiency ${percent(cell.efficiency)}`));
  }
  if (remark(cell)) tip.append(line(remark(cell)));
  const dots = strip(cell, 200);
  if (dots) tip.append(dots);
  tip.append(line(samplesInWords(cell)));
}
