// The graph on a canvas: what is drawn from a thousand to a hundred thousand edges.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const graph = (report.graph ??= {});
  const MOST_STROKES = 2000;
  const CROWDED = 20000;
  const THIN = 2;
  const SAMPLES = 8e6;
  const FONT = "11px system-ui, sans-serif";

  function paintEdges(context, { model, scene, colours }, edges, opacity) {
    context.globalAlpha = opacity;
    for (const e of edges) {
      const { x0, y0, middle, y1, x1 } = graph.course(model, scene, e);
      context.strokeStyle = colours.edge(e);
      context.lineWidth = scene.wide[e];
      context.beginPath();
      context.moveTo(x0, y0);
      context.bezierCurveTo(middle, y0, middle, y1, x1, y1);
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  const channels = (colour) => {
    const { r, g, b } = window.d3.color(colour).rgb();
    return [r, g, b].map(Math.round);
  };

  function paintDensity(context, { model, scene, colours }, edges, opacity, { k, x, y }) {
    const { width, height } = context.canvas;
    const inks = new Map();
    const most = Math.ceil(SAMPLES / edges.length);
    for (const e of edges) {
      const colour = colours.edge(e);
      if (!inks.has(colour)) inks.set(colour, new Float32Array(width * height));
      const { x0, y0, y1, x1 } = graph.course(model, scene, e);
      const curve = { x0: x + k * x0, y0: y + k * y0, dx: k * (x1 - x0), dy: k * (y1 - y0) };
      graph.pour(inks.get(colour), width, height, curve, scene.wide[e] * k * opacity, most);
    }
    const picture = context.createImageData(width, height);
    for (const [colour, ink] of inks) graph.blend(picture.data, ink, channels(colour));
    context.putImageData(picture, 0, 0);
  }

  function paintText(context, palette, text, x, y, colour) {
    context.strokeStyle = palette.soft;
    context.lineWidth = 3;
    context.strokeText(text, x, y);
    context.fillStyle = colour;
    context.fillText(text, x, y);
  }

  function paintNodes(context, view, nodes) {
    const { model, scene, colours, focus } = view;
    const { palette } = colours;
    context.font = FONT;
    context.lineJoin = "round";
    for (const node of nodes) {
      const [x, y, size] = [scene.x[node], scene.y[node], scene.size[node]];
      context.fillStyle = colours.node(node);
      context.fillRect(x, y, graph.NODE_WIDTH, size);
      const thumb = graph.thumbOf(view, node);
      const picture = thumb && view.thumbs(thumb.href);
      if (picture) context.drawImage(picture, thumb.x, thumb.y, thumb.side, thumb.side);
      if (!graph.isNumbered(view, node)) continue;
      paintText(context, palette, `#${model.data.index[node]}`, graph.numberLeft(view, node), y + size / 2 + 4, palette.ink);
    }
    if (focus < 0) return;
    context.strokeStyle = palette.ink;
    context.lineWidth = 2;
    context.strokeRect(scene.x[focus], scene.y[focus], graph.NODE_WIDTH, scene.size[focus]);
  }

  function paintHeads(context, { model, scene, colours: { palette } }) {
    context.lineJoin = "round";
    context.font = `650 ${FONT}`;
    for (const { text, place, x, y } of scene.labels) {
      paintText(context, palette, graph.fitting(model, scene, text, place), x, y, palette.muted);
    }
    model.columns.forEach((_, place) => {
      graph.heading(model, scene, place).forEach((text, line) => {
        context.fillStyle = line ? palette.muted : palette.ink;
        context.font = `${line ? 400 : 650} ${FONT}`;
        context.fillText(text, graph.MARGIN.left + place * scene.step, 16 + line * 14);
      });
    });
  }

  function paintWhole(context, view, density) {
    const { edges, wide, visible } = view.scene;
    const many = edges.length > MOST_STROKES;
    if (many) {
      const thin = edges.filter((e) => wide[e] < THIN);
      paintDensity(context, view, thin, edges.length > CROWDED ? 0.15 : 0.35, density);
    }
    paintEdges(context, view, many ? edges.filter((e) => wide[e] >= THIN) : edges, 0.3);
    paintNodes(context, view, visible.flat());
  }

  // Returns a painter. It keeps the whole graph as a picture: pointing then draws only what it lights.
  graph.canvasPainter = () => {
    const backdrop = { canvas: document.createElement("canvas"), key: null, scene: null };

    return (canvas, view) => {
      const { scene, lit } = view;
      const ratio = window.devicePixelRatio || 1;
      const { k, x, y } = view.transform ?? { k: 1, x: 0, y: 0 };
      const density = { k: ratio * k, x: ratio * x, y: ratio * y };
      const size = { width: Math.round(scene.width * ratio), height: Math.round(scene.height * ratio) };
      const place = (context) => context.setTransform(density.k, 0, 0, density.k, density.x, density.y);
      const key = `${size.width} ${size.height} ${k} ${x} ${y} ${view.colours.palette.ink} ${view.look.byMotion} ${view.pictures ?? 0}`;
      if (backdrop.scene !== scene || backdrop.key !== key) {
        Object.assign(backdrop.canvas, size);
        const context = backdrop.canvas.getContext("2d");
        place(context);
        paintWhole(context, view, density);
        Object.assign(backdrop, { scene, key });
      }
      if (canvas.width !== size.width || canvas.height !== size.height) Object.assign(canvas, size);
      canvas.style.width = `${scene.width}px`;
      canvas.style.height = `${scene.height}px`;
      const context = canvas.getContext("2d");
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, size.width, size.height);
      context.globalAlpha = lit ? 0.25 : 1;
      context.drawImage(backdrop.canvas, 0, 0);
      context.globalAlpha = 1;
      place(context);
      if (lit) {
        paintEdges(context, view, lit.edges, 0.8);
        paintNodes(context, view, lit.nodes);
      }
      paintHeads(context, view);
    };
  };
})();
