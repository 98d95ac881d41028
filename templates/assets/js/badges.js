// A badge tells its threshold when it is pressed: by mouse, by touch or by keyboard.
(() => {
  "use strict";

  let opened = null;

  function close() {
    if (!opened) return;
    opened.badge.setAttribute("aria-expanded", "false");
    opened.note.remove();
    opened = null;
  }

  function open(badge) {
    const note = document.createElement("span");
    note.className = "rg-badge__note";
    note.setAttribute("role", "status");
    badge.after(note);
    note.textContent = badge.dataset.note;
    badge.setAttribute("aria-expanded", "true");
    opened = { badge, note };
  }

  for (const badge of document.querySelectorAll("button.rg-badge")) {
    badge.dataset.note = badge.title;
    badge.removeAttribute("title"); // what is pressed needs no second way that only a mouse has
    badge.setAttribute("aria-expanded", "false");
  }
  document.addEventListener("click", (event) => {
    const badge = event.target instanceof Element && event.target.closest("button.rg-badge");
    const again = opened && opened.badge === badge;
    if (!badge && opened && opened.note.contains(event.target)) return;
    close();
    if (badge && !again) open(badge);
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
})();
