// The graph as SVG: what is drawn up to a thousand edges, and what is saved.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const graph = (report.graph ??= {});
  const FADED = 0.08;
  const NUMBER_PITCH = 11.5; // px from one number to the next: nearer, they overlap

  // `view` holds model, scene, colours, focus and lit (the paths to be seen) and transform, null for none.
  graph.paintSvg = (svg, view) => {
    const { scene, transform } = view;
    svg.attr("width", scene.width).attr("height", scene.height).attr("viewBox", `0 0 ${scene.width} ${scene.height}`)
      .attr("xmlns", "http://www.w3.org/2000/svg").attr("font-family", "system-ui, sans-serif").attr("font-size", 11);
    const root = svg.selectAll("g.view").data([0]).join("g").attr("class", "view")
      .attr("transform", transform ? transform.toString() : null);
    const layer = (name) => root.selectAll(`g.${name}`).data([0]).join("g").attr("class", name);
    paintEdges(layer("edges"), view);
    paintNodes(layer("nodes"), view);
    paintThumbs(layer("thumbs"), view);
    paintNumbers(layer("labels"), view);
    paintLayers(layer("layers"), view);
    paintHeads(layer("heads"), view);
  };

  const fade = ({ lit }) => (node) => (lit && !lit.nodes.has(node) ? 0.2 : 1);
  const visible = ({ scene }) => scene.visible.flat();

  // A letter's outline in the colour of the ground keeps it readable over edges.
  function outlined(texts, { palette }) {
    return texts.attr("paint-order", "stroke").attr("stroke", palette.soft).attr("stroke-width", 3);
  }

  function paintEdges(group, { model, scene, colours, lit }) {
    const path = (e) => {
      const { x0, y0, middle, y1, x1 } = graph.course(model, scene, e);
      return `M${x0},${y0}C${middle},${y0} ${middle},${y1} ${x1},${y1}`;
    };
    group.attr("fill", "none").selectAll("path").data(scene.edges, (e) => e).join("path")
      .attr("class", "rg-edge").attr("d", path).attr("stroke", colours.edge)
      .attr("stroke-width", (e) => scene.wide[e])
      .attr("stroke-opacity", (e) => (lit ? (lit.edges.has(e) ? 0.85 : FADED) : 0.38));
  }

  function paintNodes(group, view) {
    const { scene, colours, focus } = view;
    group.selectAll("rect").data(visible(view), (n) => n).join("rect")
      .attr("class", "rg-node").attr("x", (n) => scene.x[n]).attr("y", (n) => scene.y[n])
      .attr("width", graph.NODE_WIDTH).attr("height", (n) => scene.size[n]).attr("rx", 2)
      .attr("fill", colours.node).attr("fill-opacity", fade(view))
      .attr("stroke", (n) => (n === focus ? colours.palette.ink : "none")).attr("stroke-width", 2);
  }

  function paintThumbs(group, view) {
    const found = visible(view).flatMap((node) => { const thumb = graph.thumbOf(view, node); return thumb ? [{ node, ...thumb }] : []; });
    group.selectAll("image").data(found, (thumb) => thumb.node).join("image")
      .attr("class", "rg-thumb").attr("href", (thumb) => thumb.href).attr("preserveAspectRatio", "xMidYMid slice")
      .attr("x", (thumb) => thumb.x).attr("y", (thumb) => thumb.y)
      .attr("width", (thumb) => thumb.side).attr("height", (thumb) => thumb.side)
      .attr("opacity", (thumb) => fade(view)(thumb.node));
  }

  function paintNumbers(group, view) {
    const { model, scene, colours } = view;
    const nodes = visible(view).filter((n) => graph.isNumbered(view, n));
    const texts = group.attr("fill", colours.palette.ink).selectAll("text").data(nodes, (n) => n).join("text")
      .attr("x", (n) => graph.numberLeft(view, n)).attr("y", (n) => scene.y[n] + scene.size[n] / 2)
      .attr("dy", "0.35em");
    outlined(texts, colours).attr("stroke-linejoin", "round").attr("opacity", fade(view))
      .text((n) => `#${model.data.index[n]}`);
  }

  function paintLayers(group, { model, scene, colours }) {
    const texts = group.attr("fill", colours.palette.muted).selectAll("text")
      .data(scene.labels, (label) => label.name).join("text")
      .attr("x", (label) => label.x).attr("y", (label) => label.y).attr("font-weight", 650);
    outlined(texts, colours).text((label) => graph.fitting(model, scene, label.text, label.place));
  }

  function paintHeads(group, { model, scene, colours }) {
    const { columns, data } = model;
    const names = (c) => [columns[c].layers.map((place) => data.layers[place].name).join(", ")];
    const heads = group.selectAll("g").data(columns.map((_, place) => place)).join("g")
      .attr("transform", (c) => `translate(${graph.MARGIN.left + c * scene.step},16)`);
    heads.selectAll("title").data(names).join("title").text((name) => name);
    heads.selectAll("text").data((c) => graph.heading(model, scene, c)).join("text").attr("y", (_, i) => i * 14)
      .attr("font-weight", (_, i) => (i ? 400 : 650))
      .attr("fill", (_, i) => (i ? colours.palette.muted : colours.palette.ink)).text((text) => text);
  }

  // Whether a kernel is high enough to have its number beside it; the one that is pointed at always has.
  graph.isNumbered = ({ model, scene, focus }, node) => !model.isClass(node) && (scene.size[node] + scene.gap >= NUMBER_PITCH || node === focus);
})();
