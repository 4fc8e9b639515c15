// Elements and numbers for people. Text is always set as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

/// An element of HTML; `on` names its listeners, null and false leave an attribute out.
function element(name, attributes, ...children) {
  return furnish(document.createElement(name), attributes, children);
}

/// An element of SVG.
function shape(name, attributes, ...children) {
  return furnish(document.createElementNS(SVG, name), attributes, children);
}

function furnish(node, attributes, children) {
  const { on = {}, ...rest } = attributes || {};
  for (const [name, value] of Object.entries(rest)) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  for (const [event, listener] of Object.entries(on)) node.addEventListener(event, listener);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/// Three significant digits, without an exponent.
function significant(value) {
  const size = Math.abs(value);
  return value.toFixed(size >= 99.95 || size === 0 ? 0 : size >= 9.995 ? 1 : 2);
}

/// The scale in which a time is written.
function timeScale(value) {
  const size = Math.abs(value);
  if (size >= 120) return [1 / 60, "min"];
  if (size >= 1 || size === 0) return [1, "s"];
  if (size >= 1e-3) return [1e3, "ms"];
  return size >= 1e-6 ? [1e6, "µs"] : [1e9, "ns"];
}

function seconds(value) {
  const [scale, unit] = timeScale(value);
  return `${significant(value * scale)} ${unit}`;
}

/// A time without needless zeros, for a tick.
function roundTime(value) {
  const [scale, unit] = timeScale(value);
  return `${plain(value * scale)} ${unit}`;
}

/// A number without needless zeros, for a tick.
function plain(value) {
  return String(Number(value.toPrecision(3)));
}

/// From one time to another, in the scale of the second.
function secondsRange([low, high]) {
  const [scale, unit] = timeScale(high);
  return `${significant(low * scale)} to ${significant(high * scale)} ${unit}`;
}

function range([low, high]) {
  return `${significant(low)} to ${significant(high)}`;
}

function percent(share) {
  return `${(share * 100).toFixed(0)} %`;
}

/// A whole number with thousands separators.
function count(value) {
  return Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

/// Six digits that count, or the whole number where that has more.
function exact(value) {
  return Math.abs(value) >= 1e5 ? count(value) : String(Number(value.toPrecision(6)));
}

function plural(number, word) {
  return `${count(number)} ${word}${number === 1 ? "" : "s"}`;
}
