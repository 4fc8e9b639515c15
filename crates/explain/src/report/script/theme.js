// Light or dark: the reader's system decides, until the reader does. Remembered where the browser allows it.

const THEMES = ["auto", "light", "dark"];

function themeSwitch() {
  const button = document.getElementById("theme");
  let chosen = "auto";
  // Storage may be refused, as in private windows; then the choice holds until the page is closed.
  try {
    chosen = localStorage.getItem("amdahl-theme") || "auto";
  } catch {}
  const apply = (theme) => {
    chosen = THEMES.includes(theme) ? theme : "auto";
    if (chosen === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    button.replaceChildren(element("span", {}, "Colours: "), chosen);
    button.setAttribute("aria-label", `Colours: ${chosen}`);
  };
  button.addEventListener("click", () => {
    apply(THEMES[(THEMES.indexOf(chosen) + 1) % THEMES.length]);
    try {
      localStorage.setItem("amdahl-theme", chosen);
    } catch {}
  });
  apply(chosen);
  button.hidden = false;
}
