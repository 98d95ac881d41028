// "Compare +" on the page of whatever can stand beside others, and the way to where it does.
(() => {
  "use strict";

  const report = globalThis.reportgen;
  const { toggled, link } = report.choice;
  const place = document.querySelector("[data-tray]");
  if (!place) return;
  const home = new URL(place.dataset.tray, location.href).href;

  // A browser may keep nothing for a page of a file: the choice then lasts as long as the page.
  let kept = [];
  function read() {
    try {
      const found = JSON.parse(localStorage.getItem(home) ?? "[]");
      return Array.isArray(found) ? found.filter((key) => typeof key === "string") : [];
    } catch {
      return kept;
    }
  }
  function write(keys) {
    kept = keys;
    try { localStorage.setItem(home, JSON.stringify(keys)); } catch { /* said above */ }
  }
  report.tray = { read, write };

  const { key } = place.dataset;
  if (!key) return;
  const add = Object.assign(document.createElement("button"), { type: "button", className: "rg-copy" });
  const go = document.createElement("a");

  function show() {
    const keys = read();
    const chosen = keys.includes(key);
    add.textContent = chosen ? "compare −" : "compare +";
    add.setAttribute("aria-pressed", String(chosen));
    add.title = chosen ? "Take this page out of the comparison" : "Put this page side by side with others";
    go.hidden = keys.length === 0;
    go.textContent = `${keys.length} side by side`;
    go.href = home + link(keys);
  }

  add.addEventListener("click", () => { write(toggled(read(), key)); show(); });
  window.addEventListener("storage", show);
  window.addEventListener("pageshow", show);
  place.append(add, go);
  place.hidden = false;
  document.querySelector(".rg-crumbs")?.before(place);
  show();
})();
