// Tables sort by a click on a header, card grids by a list, and lists of pages lead to the page that is chosen.
(() => {
  "use strict";

  const { worth, ordered, ranked } = globalThis.reportgen.sorting;

  function worthIn(column) {
    return (row) => worth(row.cells[column].dataset.value ?? row.cells[column].textContent.trim());
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
        const down = header.getAttribute("aria-sort") === "ascending";
        for (const other of headers) other.setAttribute("aria-sort", "none");
        header.setAttribute("aria-sort", down ? "descending" : "ascending");
        const body = table.tBodies[0];
        body.append(...ordered([...body.rows], worthIn(column), down));
      });
    });
  }

  function sortCards(select) {
    const grid = document.getElementById(select.dataset.target);
    const down = "down" in select.selectedOptions[0].dataset;
    grid.append(...[...grid.children].sort(ranked((card) => card.dataset, select.value, down)));
  }

  // The rows of a table of kernels in an order of these; kernels that the order does not name stay at the end.
  function orderRows(select) {
    const table = document.getElementById(select.dataset.target);
    const places = new Map(select.selectedOptions[0].dataset.order.split(",").map((kernel, place) => [kernel, place]));
    const place = (row) => places.get(row.cells[0].dataset.value) ?? Infinity;
    for (const header of table.tHead.rows[0].cells) header.setAttribute("aria-sort", "none");
    table.tBodies[0].append(...ordered([...table.tBodies[0].rows], place, false));
  }

  for (const table of document.querySelectorAll("table[data-sortable]")) sortable(table);
  for (const select of document.querySelectorAll("select.rg-rows")) select.addEventListener("change", () => orderRows(select));
  for (const select of document.querySelectorAll("select.rg-sort")) select.addEventListener("change", () => sortCards(select));
  for (const select of document.querySelectorAll("select.rg-go")) {
    select.addEventListener("change", () => { location.href = select.value; });
  }
})();
