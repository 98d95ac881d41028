// Names and links are copied by a button, also where the browser keeps the clipboard from pages of a file.
(() => {
  "use strict";

  async function copy(button, text) {
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "copied";
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      button.textContent = document.execCommand("copy") ? "copied" : "not copied";
      area.remove();
    }
    setTimeout(() => { button.textContent = before; }, 1500);
  }

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-copy], [data-copy-link]");
    if (button) copy(button, "copyLink" in button.dataset ? location.href : button.dataset.copy);
  });
})();
