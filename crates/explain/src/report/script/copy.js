// Copies text, says whether it worked, and selects the text for the reader where the browser refuses.

let announcer;

/// Says something to readers who do not see the page.
function announce(text) {
  if (!announcer) {
    announcer = element("p", { class: "unseen", role: "status" });
    document.body.append(announcer);
  }
  announcer.textContent = text;
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {}
  // The older way, which some browsers still allow to a file.
  const area = element("textarea", { class: "unseen", readonly: true, "aria-hidden": "true" });
  area.value = text;
  const before = document.activeElement;
  document.body.append(area);
  area.select();
  let done = false;
  try {
    done = document.execCommand("copy");
  } catch {}
  area.remove();
  if (before) before.focus({ preventScroll: true });
  return done;
}

/// A button that copies what `text()` gives; `source()` is the element that shows it, to be selected where copying is refused.
function copyButton(label, text, source) {
  const button = element("button", { type: "button", class: "copy" }, "Copy");
  if (label) button.setAttribute("aria-label", label);
  button.addEventListener("click", async (event) => {
    event.stopPropagation();
    if (await copyText(text())) {
      button.textContent = "Copied";
      announce("Copied");
    } else {
      getSelection().selectAllChildren(source());
      button.textContent = "Press Ctrl+C";
      announce("The browser refuses to copy. The text is selected: press Control and C.");
    }
    setTimeout(() => (button.textContent = "Copy"), 2500);
  });
  return button;
}

/// A button at everything that is there to be typed.
function copyBlocks() {
  for (const block of document.querySelectorAll("main pre")) {
    const box = element("div", { class: "code" });
    block.replaceWith(box);
    box.append(block, copyButton("Copy these lines", () => block.textContent, () => block));
  }
}
