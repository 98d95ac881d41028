// Tables sort by click on a header, card grids by a list, and names and links are copied.
(() => {
  "use strict";

  function valueOf(row, column) {
    const cell = row.cells[column];
    const text = cell.dataset.value ?? cell.textContent.trim();
    const number = text === "" ? NaN : Number(text.replace(/[\u202f%]/g, "").replace("−", "-"));
    return Number.isNaN(number) ? text : number;
  }

  function compare(a, b) {
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a === "number") return -1;
    if (typeof b === "number") return 1;
    return a.localeCompare(b, undefined, { numeric: true });
  }

  function sortable(table) {
    const headers = [...table.tHead.rows[0].cells];
    headers.forEach((header, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      header.append(button);
      header.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const down = header.getAttribute("aria-sort") === "ascending" ? -1 : 1;
        for (const other of headers) other.setAttribute("aria-sort", "none");
        header.setAttribute("aria-sort", down === 1 ? "ascending" : "descending");
        const body = table.tBodies[0];
        const rows = [...body.rows].map((row) => [valueOf(row, column), row]);
        rows.sort((a, b) => down * compare(a[0], b[0]));
        body.append(...rows.map((pair) => pair[1]));
      });
    });
  }

  function sortCards(select) {
    const grid = document.getElementById(select.dataset.target);
    const name = select.value;
    const down = "down" in select.selectedOptions[0].dataset ? -1 : 1;
    const rank = (card) => (name in card.dataset ? down * Number(card.dataset[name]) : Infinity);
    grid.append(...[...grid.children].sort((a, b) => rank(a) - rank(b) || Number(a.dataset.index) - Number(b.dataset.index)));
  }

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

  for (const table of document.querySelectorAll("table[data-sortable]")) sortable(table);
  for (const select of document.querySelectorAll("select.rg-sort")) select.addEventListener("change", () => sortCards(select));
  for (const select of document.querySelectorAll("select.rg-go")) {
    select.addEventListener("change", () => { location.href = select.value; });
  }
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-copy], [data-copy-link]");
    if (button) copy(button, "copyLink" in button.dataset ? location.href : button.dataset.copy);
  });
})();
