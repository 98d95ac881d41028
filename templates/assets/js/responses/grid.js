// The grid of a layer's maps, a page of kernels at a time: every map at the same moment, in one scale.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const A_PAGE = 60;

  function tile(kernel, link, group) {
    const element = document.createElement(link ? "a" : "span");
    element.className = "rg-response";
    if (link) element.href = link;
    const canvas = document.createElement("canvas");
    const label = document.createElement("span");
    label.className = "rg-response__name";
    label.textContent = group === undefined ? `#${kernel}` : `#${kernel} · ${group + 1}`;
    element.title = `Kernel ${kernel}${group === undefined ? "" : `, group ${group + 1}`}${link ? ": open its page" : ""}`;
    element.append(canvas, label);
    return { element, canvas, kernel };
  }

  // `root` holds the tiles and the pager; `data` are the layer's facts, `levels` its bytes, `colours` 256 RGB.
  report.responseGrid = (root, data, levels, colours) => {
    const [tiles, pager] = [root.querySelector(".rg-responses__tiles"), root.querySelector(".rg-pager")];
    const pages = Math.ceil(data.kernels / A_PAGE);
    const size = data.height * data.width;
    const state = { page: 0, frame: 0, order: data.orders[0], shown: [] };
    const words = document.createElement("span");

    function draw(frame) {
      state.frame = frame;
      for (const { canvas, kernel } of state.shown) {
        const from = (frame * data.kernels + kernel) * size;
        const pixels = report.volume.coloured(levels.subarray(from, from + size), colours);
        canvas.getContext("2d").putImageData(new ImageData(pixels, data.width, data.height), 0, 0);
      }
    }

    function fill() {
      const first = state.page * A_PAGE;
      const kernels = state.order.order.slice(first, first + A_PAGE);
      state.shown = kernels.map((kernel) => tile(kernel, data.links[kernel], state.order.groups[kernel]));
      for (const { canvas } of state.shown) Object.assign(canvas, { width: data.width, height: data.height });
      tiles.replaceChildren(...state.shown.map(({ element }) => element));
      words.textContent = pages > 1 ? `places ${first + 1} to ${first + kernels.length} of ${data.kernels}` : "";
      draw(state.frame);
    }

    function turn(by) {
      state.page = Math.min(Math.max(state.page + by, 0), pages - 1);
      fill();
    }

    if (pages > 1) {
      for (const [text, label, by] of [["‹", "Kernels before", -1], ["›", "Next kernels", 1]]) {
        const button = document.createElement("button");
        Object.assign(button, { type: "button", textContent: text, title: label });
        button.setAttribute("aria-label", label);
        button.addEventListener("click", () => turn(by));
        pager.append(button);
      }
      words.setAttribute("role", "status");
      pager.insertBefore(words, pager.lastChild);
    }
    return {
      draw,
      arrange(order) {
        state.order = order;
        state.page = 0;
        fill();
      },
    };
  };
})();
