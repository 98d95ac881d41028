// A picture or a clip of a page, enlarged in a dialog when its tile is clicked; without scripts the tile is a link.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  let dialog = null;
  let shown = null;

  function made() {
    const element = document.createElement("dialog");
    element.className = "rg-enlarged";
    element.append(document.createElement("p"), document.createElement("button"));
    element.lastChild.type = "button";
    element.lastChild.textContent = "Close";
    element.addEventListener("click", () => element.close());
    element.addEventListener("close", clear);
    document.body.append(element);
    return element;
  }

  function clear() {
    if (!shown) return;
    if (report.player) report.player.remove(shown);
    shown.remove();
    shown = null;
  }

  function open(tile) {
    dialog ??= made();
    clear();
    shown = tile.querySelector(".rg-clip").cloneNode(true);
    shown.querySelector("canvas")?.remove(); // a clone of a canvas is empty: the player draws its own
    dialog.classList.toggle("rg-tile--smooth", tile.classList.contains("rg-tile--smooth"));
    dialog.firstChild.textContent = tile.dataset.enlarge;
    dialog.setAttribute("aria-label", tile.dataset.enlarge);
    dialog.insertBefore(shown, dialog.firstChild);
    dialog.showModal();
    if (report.player && shown.dataset.sprite) report.player.add(shown);
  }

  document.addEventListener("click", (event) => {
    const tile = event.target instanceof Element && event.target.closest("[data-enlarge]");
    if (!tile || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(tile);
  });
})();
