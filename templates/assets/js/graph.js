// The class pyramid: columns are layers, the class at the left. Up to 1,000 edges are drawn as SVG and up to 100,000
// on a canvas; choosing, pointing, walking by keyboard and saving are the same code for both.
(() => {
  "use strict";

  const MOST_SVG_EDGES = 1000;
  const NODE_WIDTH = 12;
  const MARGIN = { left: 14, bottom: 14 };
  const LETTER = 7; // px, about: what stands behind the last column gets room
  const LEAST_RIGHT = 64;
  const MOST_RIGHT = 170;
  const LEAST_COLUMN = 128;
  const LAYER_GAP = 22;
  const FADED = 0.08;
  const LEAST_SHARE = 0.01;
  const MOST_STROKES = 2000;
  const THIN = 2;
  const SAMPLES = 8e6;

  const root = document.querySelector("[data-graph]");
  const data = window.reportData && window.reportData.graph;
  if (!root || !data || !window.d3) return;
  const begun = performance.now();
  const part = (name) => root.querySelector(name);
  const holder = part(".rg-graph__canvas");
  const status = part(".rg-graph__status");
  const popup = part(".rg-graph__card");
  const controls = { share: part(".rg-share"), value: part(".rg-share-value"), top: part(".rg-top"), negative: part(".rg-negative"), colour: part(".rg-colour") };
  const count = data.layer.length;
  const edgeCount = data.source.length;
  const useSvg = edgeCount <= MOST_SVG_EDGES;

  // ---- the graph, once -------------------------------------------------------------------------------------------

  // A column holds the layers that are equally many steps back from the class, one above the other.
  const columns = [...new Set(data.layers.map((layer) => layer.depth))].map((depth) => ({
    depth,
    layers: data.layers.flatMap((layer, place) => (layer.depth === depth ? [place] : [])),
  }));
  const columnOf = new Uint16Array(data.layers.length);
  columns.forEach((column, place) => { for (const layer of column.layers) columnOf[layer] = place; });
  const members = data.layers.map(() => []);
  for (let node = 0; node < count; node += 1) members[data.layer[node]].push(node);
  for (const nodes of members) nodes.sort((a, b) => data.order[a] - data.order[b]);
  const byRelevance = members.map((nodes) => [...nodes].sort((a, b) => data.relevance[b] - data.relevance[a]));
  const HEAD = columns.some((column) => column.layers.length > 1) ? 62 : 46;
  const lastNames = columns[columns.length - 1].layers.map((layer) => data.layers[layer].short.length * LETTER);
  const RIGHT = Math.min(Math.max(LEAST_RIGHT, Math.max(...lastNames) - NODE_WIDTH), MOST_RIGHT);
  const isClass = (node) => data.layers[data.layer[node]].depth === 0;

  function adjacency(ends) {
    const start = new Uint32Array(count + 1);
    for (let e = 0; e < edgeCount; e += 1) start[ends[e] + 1] += 1;
    for (let n = 0; n < count; n += 1) start[n + 1] += start[n];
    const place = start.slice();
    const edges = new Uint32Array(edgeCount);
    for (let e = 0; e < edgeCount; e += 1) { edges[place[ends[e]]] = e; place[ends[e]] += 1; }
    return { start, edges };
  }
  const feeds = adjacency(data.source);
  const fedBy = adjacency(data.target);

  function eachEdge(table, node, visit) {
    for (let i = table.start[node]; i < table.start[node + 1]; i += 1) visit(table.edges[i]);
  }

  function nameOf(node) {
    const layer = data.layers[data.layer[node]];
    return layer.depth === 0 ? layer.short : `${layer.short} #${data.index[node]}`;
  }

  function plain(value) {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    return (size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(1) : value.toPrecision(3)).replace("-", "−");
  }

  // ---- what is shown ---------------------------------------------------------------------------------------------

  const shown = new Uint8Array(count);
  let scene = null;
  let focus = -1;
  let lit = null;
  let transform = window.d3.zoomIdentity;

  function choose() {
    const share = Number(controls.share.value) / 100;
    const top = Math.max(1, Number(controls.top.value) || 1);
    shown.fill(0);
    let kept = 0;
    let whole = 0;
    byRelevance.forEach((nodes, layer) => {
      if (data.layers[layer].depth === 0) { for (const node of nodes) shown[node] = 1; return; }
      const positive = nodes.filter((node) => data.relevance[node] > 0);
      const mass = positive.reduce((sum, node) => sum + data.relevance[node], 0);
      let held = 0;
      let number = 0;
      for (const node of positive) {
        if (number >= top || held >= share * mass * (1 - 1e-9)) break;
        shown[node] = 1;
        held += data.relevance[node];
        number += 1;
      }
      kept += held;
      whole += mass;
    });
    return whole ? kept / whole : 0;
  }

  function layout() {
    const stacks = columns.map((column) => column.layers.map((layer) => ({ layer, nodes: members[layer].filter((node) => shown[node]) })));
    const visible = stacks.map((stack) => stack.flatMap((part) => part.nodes));
    const most = Math.max(...visible.map((nodes) => nodes.length), 1);
    const deepest = Math.max(...stacks.map((stack) => stack.length));
    const width = Math.max(holder.clientWidth, MARGIN.left + RIGHT + LEAST_COLUMN * (columns.length - 1) + NODE_WIDTH);
    const height = Math.min(Math.max(420, HEAD + MARGIN.bottom + most * 17 + deepest * LAYER_GAP), 1100);
    const room = height - HEAD - MARGIN.bottom;
    const gap = Math.min(8, (room * 0.45) / most);
    const between = (stack) => gap * stack.reduce((sum, part) => sum + part.nodes.length, 0) + LAYER_GAP * (stack.length - 1);
    const sums = visible.map((nodes) => nodes.reduce((sum, node) => sum + Math.abs(data.relevance[node]), 0));
    const scale = Math.min(...stacks.map((stack, i) => (sums[i] ? Math.max(room - between(stack), room / 4) / sums[i] : Infinity)));
    const x = new Float64Array(count);
    const y = new Float64Array(count);
    const size = new Float64Array(count);
    const labels = [];
    const step = (width - MARGIN.left - RIGHT - NODE_WIDTH) / Math.max(columns.length - 1, 1);
    stacks.forEach((stack, place) => {
      for (const node of visible[place]) size[node] = Math.max(Math.abs(data.relevance[node]) * scale, 2);
      const total = visible[place].reduce((sum, node) => sum + size[node], 0) + between(stack);
      let at = HEAD + Math.max(0, (room - total) / 2);
      for (const { layer, nodes } of stack) {
        if (stack.length > 1 && nodes.length) labels.push({ place, text: data.layers[layer].short, name: data.layers[layer].name, x: MARGIN.left + place * step, y: at - 5 });
        for (const node of nodes) {
          x[node] = MARGIN.left + place * step;
          y[node] = at;
          at += size[node] + gap;
        }
        at += LAYER_GAP;
      }
    });
    const edges = [];
    for (let e = 0; e < edgeCount; e += 1) if (shown[data.source[e]] && shown[data.target[e]]) edges.push(e);
    return { room: holder.clientWidth, visible, labels, width, height, step, x, y, size, scale, edges, ...ends(edges, x, y, size, scale) };
  }

  // Edges leave their node side by side, in the order of where they go, and never take more than its height.
  function ends(edges, x, y, size, scale) {
    const wide = new Float32Array(edgeCount);
    const at = { source: new Float32Array(edgeCount), target: new Float32Array(edgeCount) };
    const total = { source: new Float64Array(count), target: new Float64Array(count) };
    for (const e of edges) {
      wide[e] = Math.max(Math.abs(data.contribution[e]) * scale, 0.4);
      total.source[data.source[e]] += wide[e];
      total.target[data.target[e]] += wide[e];
    }
    for (const [side, other] of [["source", "target"], ["target", "source"]]) {
      const order = [...edges].sort((a, b) => y[data[other][a]] - y[data[other][b]]);
      const used = new Float64Array(count);
      for (const e of order) {
        const node = data[side][e];
        const squeeze = Math.min(1, size[node] / total[side][node]);
        const start = y[node] + (size[node] - total[side][node] * squeeze) / 2;
        at[side][e] = start + used[node] + (wide[e] * squeeze) / 2;
        used[node] += wide[e] * squeeze;
      }
    }
    for (const e of edges) {
      const squeeze = Math.min(1, size[data.source[e]] / total.source[data.source[e]], size[data.target[e]] / total.target[data.target[e]]);
      wide[e] = Math.max(wide[e] * squeeze, 0.4);
    }
    return { wide, at };
  }

  function colours() {
    const style = getComputedStyle(root);
    const read = (name) => style.getPropertyValue(name).trim();
    return {
      excites: read("--rg-excites"), inhibits: read("--rg-inhibits"), other: read("--rg-other"),
      still: read("--rg-green"), moving: read("--rg-vermilion"), unknown: read("--rg-other"),
      ink: read("--rg-ink"), muted: read("--rg-muted"), soft: read("--rg-soft"),
    };
  }

  function edgeColour(e, palette) {
    if (data.contribution[e] >= 0) return palette.excites;
    return controls.negative.checked ? palette.inhibits : palette.other;
  }

  const byMotion = () => Boolean(data.motion) && controls.colour !== null && controls.colour.value === "motion";
  let ramp = { ends: "", of: null };

  // From appearance (0) to motion (1); grey where it was not measured.
  function motionColour(value, palette) {
    if (value === null) return palette.unknown;
    const ends = `${palette.still} ${palette.moving}`;
    if (ramp.ends !== ends) ramp = { ends, of: window.d3.interpolateLab(palette.still, palette.moving) };
    return ramp.of(Math.min(Math.max(value, 0), 1));
  }

  function nodeColour(node, palette) {
    if (isClass(node)) return palette.ink;
    if (byMotion()) return motionColour(data.motion[node], palette);
    return data.relevance[node] >= 0 ? palette.excites : palette.inhibits;
  }

  function geometry(e) {
    const from = data.target[e];
    const to = data.source[e];
    const x0 = scene.x[from] + NODE_WIDTH;
    const x1 = scene.x[to];
    const middle = (x0 + x1) / 2;
    return [x0, scene.at.target[e], middle, scene.at.source[e], x1];
  }

  // The kernels and edges on the way from a kernel to the class. What a kernel passes on is shared out among its
  // connections by their size; in large graphs, those that carry less than a hundredth of it are left out, but each
  // kernel's strongest is kept, so that every way ends at the class.
  function paths(node) {
    const nodes = new Set([node]);
    const edges = [];
    const carried = new Float64Array(count);
    carried[node] = 1;
    const waiting = columns.map(() => []);
    waiting[columnOf[data.layer[node]]].push(node);
    for (let place = columns.length - 1; place > 0; place -= 1) {
      for (const from of waiting[place]) {
        let total = 0;
        let main = -1;
        eachEdge(feeds, from, (e) => {
          if (!shown[data.target[e]]) return;
          total += Math.abs(data.contribution[e]);
          if (main < 0 || Math.abs(data.contribution[e]) > Math.abs(data.contribution[main])) main = e;
        });
        eachEdge(feeds, from, (e) => {
          const to = data.target[e];
          const share = (carried[from] * Math.abs(data.contribution[e])) / (total || 1);
          if (!shown[to] || (!useSvg && share < LEAST_SHARE && e !== main)) return;
          edges.push(e);
          carried[to] += share;
          if (!nodes.has(to)) { nodes.add(to); waiting[columnOf[data.layer[to]]].push(to); }
        });
      }
    }
    if (isClass(node)) eachEdge(fedBy, node, (e) => { if (shown[data.source[e]]) { edges.push(e); nodes.add(data.source[e]); } });
    return { nodes, edges: new Set(edges) };
  }

  function labelled(node) {
    return scene.size[node] >= 9 || node === focus;
  }

  function heading(place) {
    const { depth, layers } = columns[place];
    const text = layers.length > 1 ? `${layers.length} layers` : data.layers[layers[0]].short;
    return [cut(text, place), depth === 0 ? "class" : `${depth} back`];
  }

  function cut(text, place) {
    const room = place === columns.length - 1 ? RIGHT + NODE_WIDTH : scene.step;
    const most = Math.max(10, Math.floor(room / LETTER));
    return text.length > most ? `${text.slice(0, most - 1)}…` : text;
  }

  // ---- as SVG ----------------------------------------------------------------------------------------------------

  function paintSvg(svg, withZoom) {
    const d3 = window.d3;
    const palette = colours();
    svg.attr("width", scene.width).attr("height", scene.height).attr("viewBox", `0 0 ${scene.width} ${scene.height}`)
      .attr("xmlns", "http://www.w3.org/2000/svg").attr("font-family", "system-ui, sans-serif").attr("font-size", 11);
    const view = svg.selectAll("g.view").data([0]).join("g").attr("class", "view")
      .attr("transform", withZoom ? transform.toString() : null);
    const layer = (name) => view.selectAll(`g.${name}`).data([0]).join("g").attr("class", name);
    layer("edges").attr("fill", "none").selectAll("path").data(scene.edges, (e) => e).join("path")
      .attr("class", "rg-edge")
      .attr("d", (e) => { const [x0, y0, m, y1, x1] = geometry(e); return `M${x0},${y0}C${m},${y0} ${m},${y1} ${x1},${y1}`; })
      .attr("stroke", (e) => edgeColour(e, palette))
      .attr("stroke-width", (e) => scene.wide[e])
      .attr("stroke-opacity", (e) => (lit ? (lit.edges.has(e) ? 0.85 : FADED) : 0.38));
    const visible = scene.visible.flat();
    const fade = (node) => (lit && !lit.nodes.has(node) ? 0.2 : 1);
    layer("nodes").selectAll("rect").data(visible, (n) => n).join("rect")
      .attr("class", "rg-node").attr("x", (n) => scene.x[n]).attr("y", (n) => scene.y[n])
      .attr("width", NODE_WIDTH).attr("height", (n) => scene.size[n]).attr("rx", 2)
      .attr("fill", (n) => nodeColour(n, palette)).attr("fill-opacity", fade)
      .attr("stroke", (n) => (n === focus ? palette.ink : "none")).attr("stroke-width", 2);
    layer("labels").attr("fill", palette.ink).selectAll("text").data(visible.filter((n) => !isClass(n) && labelled(n)), (n) => n).join("text")
      .attr("x", (n) => scene.x[n] + NODE_WIDTH + 4).attr("y", (n) => scene.y[n] + scene.size[n] / 2).attr("dy", "0.35em")
      .attr("paint-order", "stroke").attr("stroke", palette.soft).attr("stroke-width", 3).attr("stroke-linejoin", "round")
      .attr("opacity", fade).text((n) => `#${data.index[n]}`);
    layer("layers").attr("fill", palette.muted).selectAll("text").data(scene.labels, (label) => label.name).join("text")
      .attr("x", (label) => label.x).attr("y", (label) => label.y).attr("font-weight", 650)
      .attr("paint-order", "stroke").attr("stroke", palette.soft).attr("stroke-width", 3).text((label) => cut(label.text, label.place));
    const heads = layer("heads").selectAll("g").data(d3.range(columns.length)).join("g")
      .attr("transform", (c) => `translate(${MARGIN.left + c * scene.step},16)`);
    heads.selectAll("title").data((c) => [columns[c].layers.map((place) => data.layers[place].name).join(", ")]).join("title").text((name) => name);
    heads.selectAll("text").data((c) => heading(c)).join("text").attr("y", (_, i) => i * 14)
      .attr("font-weight", (_, i) => (i ? 400 : 650)).attr("fill", (_, i) => (i ? palette.muted : palette.ink)).text((text) => text);
  }

  // ---- on a canvas -----------------------------------------------------------------------------------------------

  function paintEdges(context, edges, palette, opacity) {
    context.globalAlpha = opacity;
    for (const e of edges) {
      const [x0, y0, middle, y1, x1] = geometry(e);
      context.strokeStyle = edgeColour(e, palette);
      context.lineWidth = scene.wide[e];
      context.beginPath();
      context.moveTo(x0, y0);
      context.bezierCurveTo(middle, y0, middle, y1, x1, y1);
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  // Thin edges by the ten thousand: how much ink falls on each pixel is summed, and then coloured once. A canvas
  // takes seconds to stroke them one by one.
  function paintDensity(context, edges, palette, opacity, view) {
    const { width, height } = context.canvas;
    const inks = new Map();
    const most = Math.ceil(SAMPLES / edges.length);
    for (const e of edges) {
      const colour = edgeColour(e, palette);
      if (!inks.has(colour)) inks.set(colour, new Float32Array(width * height));
      const [x0, y0, , y1, x1] = geometry(e);
      pour(inks.get(colour), width, height, view.x + view.k * x0, view.y + view.k * y0, view.k * (x1 - x0), view.k * (y1 - y0), scene.wide[e] * view.k * opacity, most);
    }
    const picture = context.createImageData(width, height);
    for (const [colour, ink] of inks) {
      const [red, green, blue] = window.d3.color(colour).rgb().formatHex().match(/[0-9a-f]{2}/g).map((pair) => parseInt(pair, 16));
      for (let at = 0; at < ink.length; at += 1) {
        if (ink[at] === 0) continue;
        const before = picture.data[4 * at + 3] / 255;
        const own = 1 - Math.exp(-ink[at]);
        const alpha = own + before * (1 - own);
        const mix = (old, now) => (now * own + old * before * (1 - own)) / alpha;
        picture.data[4 * at] = mix(picture.data[4 * at], red);
        picture.data[4 * at + 1] = mix(picture.data[4 * at + 1], green);
        picture.data[4 * at + 2] = mix(picture.data[4 * at + 2], blue);
        picture.data[4 * at + 3] = 255 * alpha;
      }
    }
    context.putImageData(picture, 0, 0);
  }

  // The curve's points, close enough to leave no gaps as far as the time allows: among very many curves none shows.
  // Each point spreads its ink over the two pixels that it lies between; the phase differs so that no stripes appear.
  function pour(ink, width, height, x0, y0, dx, dy, amount, most) {
    const steps = Math.ceil(Math.min(Math.max(Math.abs(dx), 1.5 * Math.abs(dy)), most));
    const drop = (amount * Math.hypot(dx, dy)) / (steps || 1);
    const phase = (amount * 7919 + y0 * 0.618) % 1;
    for (let i = 0; i < steps; i += 1) {
      const t = (i + Math.abs(phase)) / steps;
      const x = Math.floor(x0 + dx * (1.5 * t * (1 - t) + t * t * t));
      const y = y0 + dy * t * t * (3 - 2 * t) - 0.5;
      const row = Math.floor(y);
      if (x < 0 || x >= width || row < 0 || row + 1 >= height) continue;
      const at = row * width + x;
      ink[at] += drop * (row + 1 - y);
      ink[at + width] += drop * (y - row);
    }
  }

  function paintText(context, palette, text, x, y, colour) {
    context.strokeStyle = palette.soft;
    context.lineWidth = 3;
    context.strokeText(text, x, y);
    context.fillStyle = colour;
    context.fillText(text, x, y);
  }

  function paintNodes(context, palette, nodes) {
    context.font = "11px system-ui, sans-serif";
    context.lineJoin = "round";
    for (const node of nodes) {
      context.fillStyle = nodeColour(node, palette);
      context.fillRect(scene.x[node], scene.y[node], NODE_WIDTH, scene.size[node]);
      if (!isClass(node) && labelled(node)) {
        paintText(context, palette, `#${data.index[node]}`, scene.x[node] + NODE_WIDTH + 4, scene.y[node] + scene.size[node] / 2 + 4, palette.ink);
      }
    }
    if (focus < 0) return;
    context.strokeStyle = palette.ink;
    context.lineWidth = 2;
    context.strokeRect(scene.x[focus], scene.y[focus], NODE_WIDTH, scene.size[focus]);
  }

  function paintHeads(context, palette) {
    context.lineJoin = "round";
    context.font = "650 11px system-ui, sans-serif";
    for (const label of scene.labels) paintText(context, palette, cut(label.text, label.place), label.x, label.y, palette.muted);
    columns.forEach((_, place) => {
      heading(place).forEach((text, line) => {
        context.fillStyle = line ? palette.muted : palette.ink;
        context.font = `${line ? 400 : 650} 11px system-ui, sans-serif`;
        context.fillText(text, MARGIN.left + place * scene.step, 16 + line * 14);
      });
    });
  }

  // The whole graph once, kept as a picture: pointing then draws only what it lights.
  const backdrop = { canvas: document.createElement("canvas"), key: null, scene: null };

  function paintCanvas(canvas, withZoom) {
    const ratio = window.devicePixelRatio || 1;
    const palette = colours();
    const view = withZoom ? transform : window.d3.zoomIdentity;
    const [width, height] = [Math.round(scene.width * ratio), Math.round(scene.height * ratio)];
    const place = (context) => context.setTransform(ratio * view.k, 0, 0, ratio * view.k, ratio * view.x, ratio * view.y);
    const key = `${width} ${height} ${view} ${palette.ink} ${byMotion()}`;
    if (backdrop.scene !== scene || backdrop.key !== key) {
      Object.assign(backdrop.canvas, { width, height });
      const context = backdrop.canvas.getContext("2d");
      place(context);
      if (scene.edges.length > MOST_STROKES) {
        const thin = scene.edges.filter((e) => scene.wide[e] < THIN);
        const density = { k: ratio * view.k, x: ratio * view.x, y: ratio * view.y };
        paintDensity(context, thin, palette, scene.edges.length > 20000 ? 0.15 : 0.35, density);
      }
      const stroked = scene.edges.length > MOST_STROKES ? scene.edges.filter((e) => scene.wide[e] >= THIN) : scene.edges;
      paintEdges(context, stroked, palette, 0.3);
      paintNodes(context, palette, scene.visible.flat());
      Object.assign(backdrop, { scene, key });
    }
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    canvas.style.width = `${scene.width}px`;
    canvas.style.height = `${scene.height}px`;
    const context = canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, width, height);
    context.globalAlpha = lit ? 0.25 : 1;
    context.drawImage(backdrop.canvas, 0, 0);
    context.globalAlpha = 1;
    place(context);
    if (lit) {
      paintEdges(context, lit.edges, palette, 0.8);
      paintNodes(context, palette, lit.nodes);
    }
    paintHeads(context, palette);
  }

  // ---- drawing, pointing, walking --------------------------------------------------------------------------------

  const surface = document.createElementNS(useSvg ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml", useSvg ? "svg" : "canvas");
  surface.setAttribute("aria-hidden", "true");
  holder.append(surface);

  function paint() {
    if (useSvg) paintSvg(window.d3.select(surface), true);
    else paintCanvas(surface, true);
  }

  let waiting = false;
  function paintSoon() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; paint(); });
  }

  function update() {
    const share = choose();
    scene = layout();
    if (focus >= 0 && !shown[focus]) setFocus(-1);
    lit = focus >= 0 ? paths(focus) : null;
    controls.value.textContent = `${controls.share.value}%`;
    const kernels = scene.visible.slice(1).reduce((sum, nodes) => sum + nodes.length, 0);
    const all = count - scene.visible[0].length;
    status.textContent = `${kernels} of ${all} kernels and ${scene.edges.length} of ${edgeCount} connections, ${Math.round(100 * share)}% of the kept relevance.`;
    Object.assign(root.dataset, { nodes: String(kernels), edges: String(scene.edges.length) });
    paint();
  }

  function nodeAt(clientX, clientY) {
    const box = surface.getBoundingClientRect();
    const [px, py] = transform.invert([clientX - box.left, clientY - box.top]);
    const place = Math.round((px - MARGIN.left - NODE_WIDTH / 2) / scene.step);
    if (place < 0 || place >= columns.length || Math.abs(px - MARGIN.left - place * scene.step - NODE_WIDTH / 2) > 36) return -1;
    return scene.visible[place].find((node) => py >= scene.y[node] - 2 && py <= scene.y[node] + scene.size[node] + 2) ?? -1;
  }

  function setFocus(node) {
    if (node === focus) return;
    focus = node;
    lit = node >= 0 ? paths(node) : null;
    showCard();
    paintSoon();
  }

  // A clip that plays, or a still picture.
  function picture(strip) {
    const moving = strip.frames > 1;
    const element = document.createElement(moving ? "span" : "img");
    element.style.aspectRatio = `${strip.width} / ${strip.height}`;
    if (!moving) {
      Object.assign(element, { src: strip.sprite, alt: strip.alt });
      return element;
    }
    element.className = "rg-clip";
    Object.assign(element.dataset, Object.fromEntries(Object.entries(strip).map(([key, value]) => [key, String(value)])));
    window.reportPlayer.add(element);
    return element;
  }

  function showCard() {
    popup.querySelectorAll("[data-sprite]").forEach((old) => window.reportPlayer.remove(old));
    popup.replaceChildren();
    popup.hidden = focus < 0;
    if (focus < 0) return;
    const card = data.cards[focus];
    const line = (text) => { const element = document.createElement("span"); element.textContent = text; return element; };
    if (card && card.clip) popup.append(picture(card.clip));
    const small = card ? ["texture", "motion", "best"].filter((kind) => card[kind]) : [];
    if (small.length) {
      const row = document.createElement("span");
      row.className = "rg-graph__small";
      small.forEach((kind) => {
        const column = line("");
        column.append(picture(card[kind]), { texture: "texture", motion: "motion", best: "best real clip" }[kind]);
        row.append(column);
      });
      popup.append(row);
    }
    const name = document.createElement("b");
    name.textContent = nameOf(focus);
    const what = isClass(focus) ? `logit ${plain(data.logit)}` : `relevance ${plain(data.relevance[focus])}, activation ${plain(data.activation[focus])}`;
    popup.append(name, line(what));
    if (!isClass(focus) && data.motion) {
      const reliance = data.motion[focus];
      popup.append(document.createElement("br"), line(`motion reliance ${reliance === null ? "not measured" : reliance.toFixed(2).replace("-", "−")}`));
    }
    if (card) popup.append(document.createElement("br"), line(card.sentence));
    else if (!isClass(focus)) popup.append(document.createElement("br"), line("Not among the kernels that this run visualised."));
    const [x, y] = transform.apply([scene.x[focus], scene.y[focus]]);
    const left = x - holder.scrollLeft;
    const beside = left + NODE_WIDTH + 52;
    const fits = beside + popup.offsetWidth < holder.clientWidth;
    popup.style.left = `${Math.max(4, Math.min(fits ? beside : left - popup.offsetWidth - 8, holder.clientWidth - popup.offsetWidth - 4))}px`;
    popup.style.top = `${Math.max(4, Math.min(y, scene.height - popup.offsetHeight - 4))}px`;
    const path = lit ? lit.nodes.size - 1 : 0;
    status.textContent = `${nameOf(focus)}: ${what}; ${path} kernels on its paths to the class.`;
  }

  function open(node) {
    const card = data.cards[node];
    if (card) location.href = card.href;
  }

  function strongest(table, node, end) {
    let best = -1;
    eachEdge(table, node, (e) => {
      if (shown[data[end][e]] && (best < 0 || Math.abs(data.contribution[e]) > Math.abs(data.contribution[best]))) best = e;
    });
    return best < 0 ? node : data[end][best];
  }

  function walk(key) {
    if (focus < 0) return scene.visible[0][0] ?? -1;
    if (key === "ArrowLeft") return strongest(feeds, focus, "target");
    if (key === "ArrowRight") return strongest(fedBy, focus, "source");
    const nodes = scene.visible[columnOf[data.layer[focus]]];
    const at = nodes.indexOf(focus) + (key === "ArrowDown" ? 1 : -1);
    return nodes[Math.max(0, Math.min(at, nodes.length - 1))];
  }

  holder.addEventListener("keydown", (event) => {
    if (event.key.startsWith("Arrow")) setFocus(walk(event.key));
    else if (event.key === "Home") setFocus(scene.visible[0][0] ?? -1);
    else if (event.key === "Enter" && focus >= 0) open(focus);
    else if (event.key === "Escape") setFocus(-1);
    else return;
    event.preventDefault();
    remember();
  });
  holder.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse" && !event.buttons) setFocus(nodeAt(event.clientX, event.clientY));
  });
  holder.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse" && document.activeElement !== holder) setFocus(-1); });
  holder.addEventListener("click", (event) => {
    const node = nodeAt(event.clientX, event.clientY);
    // A finger cannot hover: its first touch shows the card, its second opens the page.
    if (node >= 0 && (event.pointerType !== "touch" || node === focus)) open(node);
    setFocus(node);
    remember();
  });

  const zoom = window.d3.zoom().scaleExtent([0.5, 12])
    .filter((event) => (event.type === "wheel" ? event.ctrlKey || event.metaKey : !event.button && (!event.touches || event.touches.length > 1)))
    .on("zoom", (event) => { transform = event.transform; paintSoon(); });
  window.d3.select(surface).call(zoom).on("dblclick.zoom", null);

  // ---- controls, the link that restores, saving ------------------------------------------------------------------

  const addressOf = (node) => `${data.layers[data.layer[node]].name}/${data.index[node]}`;

  // Not at every key: browsers take their time over it, and some refuse a hundred in half a minute.
  let remembering = 0;
  function remember() {
    clearTimeout(remembering);
    remembering = setTimeout(writeLink, 250);
  }

  function writeLink() {
    const words = new URLSearchParams({ share: controls.share.value, top: controls.top.value });
    if (controls.negative.checked) words.set("inhibition", "1");
    if (byMotion()) words.set("colour", "motion");
    if (focus >= 0 && !isClass(focus)) words.set("kernel", addressOf(focus));
    window.history.replaceState(window.history.state, "", `#${words}`);
  }

  function restore() {
    const words = new URLSearchParams(location.hash.slice(1));
    if (!words.has("share")) return -1;
    controls.share.value = words.get("share");
    if (words.has("top")) controls.top.value = words.get("top");
    controls.negative.checked = words.has("inhibition");
    if (controls.colour && words.has("colour")) controls.colour.value = words.get("colour");
    const kernel = words.get("kernel");
    if (!kernel) return -1;
    for (let node = 0; node < count; node += 1) {
      if (addressOf(node) === kernel) return node;
    }
    return -1;
  }

  function save(blob, suffix) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${data.title.replace(/[^\w.-]+/g, "-")}.${suffix}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function saveSvg() {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    paintSvg(window.d3.select(svg), false);
    save(new Blob([new XMLSerializer().serializeToString(svg)], { type: "image/svg+xml" }), "svg");
  }

  function savePng() {
    const canvas = document.createElement("canvas");
    paintCanvas(canvas, false);
    const context = canvas.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalCompositeOperation = "destination-over";
    context.fillStyle = colours().soft;
    context.fillRect(0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => save(blob, "png"));
  }

  root.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("button");
    if (!button) return;
    const selection = window.d3.select(surface);
    if (button.dataset.zoom === "in") selection.call(zoom.scaleBy, 1.4);
    else if (button.dataset.zoom === "out") selection.call(zoom.scaleBy, 1 / 1.4);
    else if (button.dataset.zoom === "reset") selection.call(zoom.transform, window.d3.zoomIdentity);
    else if (button.dataset.save === "svg") saveSvg();
    else if (button.dataset.save === "png") savePng();
  });
  function showLegend() {
    for (const legend of root.querySelectorAll("[data-legend]")) legend.hidden = legend.dataset.legend !== (byMotion() ? "motion" : "sign");
  }

  for (const control of [controls.share, controls.top, controls.negative, controls.colour]) {
    if (control) control.addEventListener("input", () => { showLegend(); update(); remember(); });
  }
  new ResizeObserver(() => {
    if (!scene || scene.room === holder.clientWidth) return;
    scene = layout();
    paintSoon();
  }).observe(holder);
  new MutationObserver(paintSoon).observe(document.body, { attributes: true, attributeFilter: ["data-md-color-scheme"] });

  const restored = restore();
  showLegend();
  update();
  if (restored >= 0 && shown[restored]) setFocus(restored);
  root.dataset.ready = (performance.now() - begun).toFixed(1);
})();
