// The graph as a file: SVG or PNG, whole and without what is pointed at being moved or enlarged.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const graph = (report.graph ??= {});

  function save(title, blob, suffix) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${title.replace(/[^\w.-]+/g, "-").slice(0, 100)}.${suffix}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function saveSvg(view) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    graph.paintSvg(window.d3.select(svg), view);
    save(view.model.data.title, new Blob([new XMLSerializer().serializeToString(svg)], { type: "image/svg+xml" }), "svg");
  }

  function savePng(view) {
    const canvas = document.createElement("canvas");
    graph.canvasPainter()(canvas, view);
    const context = canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = view.colours.palette.soft;
    context.fillRect(0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => save(view.model.data.title, blob, "png"));
  }

  Object.assign(graph, { saveSvg, savePng });
})();
