// The parts that kernels' pages are put together from: text is always text, whatever a clip or a layer is called.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const { address } = report.data;

  function make(name, className, ...children) {
    const element = document.createElement(name);
    if (className) element.className = className;
    element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return element;
  }

  function link(href, text, className = "") {
    const element = make("a", className, text);
    element.href = href;
    return element;
  }

  // A clip that plays with the others of the page, or a still picture; a tile where there is none.
  function clip(strip) {
    if (!strip) return make("span", "rg-clip rg-clip--empty", make("span", "", "no picture"));
    const element = make("span", strip.fade < 1 ? "rg-clip rg-clip--faded" : "rg-clip");
    element.setAttribute("role", "img");
    element.setAttribute("aria-label", strip.alt);
    element.style.aspectRatio = `${strip.width} / ${strip.height}`;
    element.style.setProperty("--fade", String(strip.fade));
    const moving = strip.frames > 1;
    if (moving) {
      for (const name of ["frames", "columns", "width", "height"]) element.dataset[name] = String(strip[name]);
      element.dataset.sprite = address(strip.sprite);
    }
    const still = moving ? strip.poster : strip.sprite;
    if (still) {
      const picture = make("img");
      Object.assign(picture, { src: address(still), alt: "", width: strip.width, height: strip.height, loading: "lazy" });
      element.append(picture);
    }
    return element;
  }

  // The box where a kernel is driven most: percentages of the clip, and the frames in which it holds.
  function mark(box, frames) {
    const [left, top, width, height, first, last, words] = box;
    const element = make("span", "rg-mark");
    Object.assign(element.dataset, { mark: frames, first, last });
    Object.assign(element.style, { left: `${left}%`, top: `${top}%`, width: `${width}%`, height: `${height}%` });
    element.title = `Driven most at ${words}`;
    return element;
  }

  // Words as a title or a header begins.
  const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

  // A table of a header and rows of cells; the cells of `numeric` columns stand right.
  function table(label, head, rows, numeric = []) {
    const cell = (name, at) => make(name, numeric.includes(at) ? "num" : "");
    const body = rows.map((row) => {
      const line = make("tr");
      row.forEach((content, at) => {
        const element = cell(at ? "td" : "th", at);
        if (!at) element.scope = "row";
        element.append(content);
        line.append(element);
      });
      return line;
    });
    const top = head.map((text, at) => Object.assign(cell("th", at), { scope: "col", textContent: sentence(text) }));
    const whole = make("table", "rg-t", make("thead", "", make("tr", "", ...top)), make("tbody", "", ...body));
    const box = make("div", "rg-table rg-table--narrow rg-table--wrap", whole);
    Object.assign(box, { tabIndex: 0, role: "region", ariaLabel: label });
    return box;
  }

  report.kernels.parts = { make, link, clip, mark, sentence, table };
})();
