// Marks in the contents which section is read.

function markSections() {
  const links = new Map();
  for (const link of document.querySelectorAll("#contents a")) {
    const section = document.getElementById(link.hash.slice(1));
    if (section) links.set(section, link);
  }
  let current = null;
  const mark = () => {
    let now = null;
    // The last section that has reached the upper third of the window.
    for (const section of links.keys()) {
      if (!section.hidden && section.getBoundingClientRect().top < innerHeight / 3) now = section;
    }
    if (now === current) return;
    if (current) links.get(current).removeAttribute("aria-current");
    current = now;
    if (!now) return;
    const link = links.get(now);
    link.setAttribute("aria-current", "true");
    // In the narrow bar the link may be out of sight; the page itself must not move.
    const list = link.closest("ul");
    if (list.scrollWidth > list.clientWidth) list.scrollLeft = link.offsetLeft - list.clientWidth / 2 + link.offsetWidth / 2;
  };
  let waiting = false;
  const soon = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      mark();
    });
  };
  addEventListener("scroll", soon, { passive: true });
  addEventListener("resize", soon, { passive: true });
  mark();
}
