// Slices through a stack of maps: three at right angles to each other, and one in two orders side by side.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const { slice, coloured } = report.volume;

  function paint(canvas, found, colours, least, binary) {
    Object.assign(canvas, { width: found.across, height: found.down });
    const pixels = coloured(found.levels, colours, least, binary);
    canvas.getContext("2d").putImageData(new ImageData(pixels, found.across, found.down), 0, 0);
  }

  // `root` has a figure for each slice, with a canvas, a range and an output, and `words(kind, at)` says where it is.
  report.responseSlices = (root, data, colours, words) => {
    const depth = { map: data.kernels, rows: data.width, columns: data.height };
    let last = null;
    const figures = [...root.querySelectorAll("[data-slice]")].map((figure) => {
      const [canvas, range, output] = ["canvas", "input", "output"].map((name) => figure.querySelector(name));
      const kind = figure.dataset.slice;
      Object.assign(range, { min: "0", max: String(depth[kind] - 1), step: "1" });
      range.value = String(Math.floor((depth[kind] - 1) / 2));
      range.disabled = depth[kind] === 1;
      range.addEventListener("input", () => last && draw(...last));
      return { kind, canvas, range, output };
    });

    function draw(volume, least = 0, binary = false) {
      last = [volume, least, binary];
      for (const { kind, canvas, range, output } of figures) {
        const at = Number(range.value);
        paint(canvas, slice(volume, data, data.kernels, kind, at), colours, least, binary);
        output.textContent = words(kind, at);
      }
    }

    return { draw };
  };

  // The middle row of every map, kernel beside kernel.
  report.responseRow = (canvas, data, volume, colours) => {
    paint(canvas, slice(volume, data, data.kernels, "columns", Math.floor(data.height / 2)), colours);
  };
})();
