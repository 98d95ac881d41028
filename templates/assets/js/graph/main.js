// The class pyramid of a page: columns are layers, the class at the left. Up to 1,000 edges are drawn as SVG and up to
// 100,000 on a canvas; choosing, pointing, walking by keyboard and saving are the same code for both.
globalThis.reportgen.data.show("graph", document.querySelector("[data-graph]"), (data) => {
  "use strict";

  const { graph } = globalThis.reportgen;
  const MOST_SVG_EDGES = 1000;
  const root = document.querySelector("[data-graph]");
  if (!window.d3) return;
  const begun = performance.now();
  const { d3 } = window;
  const part = (name) => root.querySelector(name);
  const [holder, status, popup] = [".rg-graph__canvas", ".rg-graph__status", ".rg-graph__card"].map(part);
  const controls = {
    share: part(".rg-share"), value: part(".rg-share-value"), top: part(".rg-top"),
    negative: part(".rg-negative"), colour: part(".rg-colour"),
  };

  const model = graph.model(data);
  const useSvg = model.edgeCount <= MOST_SVG_EDGES;
  let shown = new Uint8Array(model.count);
  let scene = null;
  let focus = -1;
  let lit = null;
  let transform = d3.zoomIdentity;

  // ---- drawing ---------------------------------------------------------------------------------------------------

  const namespace = useSvg ? "http://www.w3.org/2000/svg" : "http://www.w3.org/1999/xhtml";
  const surface = document.createElementNS(namespace, useSvg ? "svg" : "canvas");
  surface.setAttribute("aria-hidden", "true");
  holder.append(surface);
  const paintCanvas = useSvg ? null : graph.canvasPainter();

  const byMotion = () => Boolean(data.motion) && controls.colour !== null && controls.colour.value === "motion";

  function palette() {
    const style = getComputedStyle(root);
    const names = {
      excites: "excites", inhibits: "inhibits", other: "other", still: "green", moving: "vermilion",
      unknown: "other", ink: "ink", muted: "muted", soft: "soft",
    };
    const read = ([own, name]) => [own, style.getPropertyValue(`--rg-${name}`).trim()];
    return Object.fromEntries(Object.entries(names).map(read));
  }

  function view(transformed) {
    const look = { byMotion: byMotion(), negative: controls.negative.checked };
    const colours = graph.colours(model, palette(), look, d3.interpolateLab);
    // A file that is saved holds no pictures: they are files of the report.
    return { model, scene, look, colours, focus, lit, transform: transformed, thumbs: transformed ? thumbs : null, pictures: come };
  }

  let come = 0;
  const thumbs = graph.pictures(() => { come += 1; paintSoon(); });

  function paint() {
    if (useSvg) graph.paintSvg(d3.select(surface), view(transform));
    else paintCanvas(surface, view(transform));
  }

  let waiting = false;
  function paintSoon() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; paint(); });
  }

  function update() {
    const chosen = graph.choose(model, Number(controls.share.value) / 100, Math.max(1, Number(controls.top.value) || 1));
    shown = chosen.shown;
    scene = graph.layout(model, shown, holder.clientWidth);
    if (focus >= 0 && !shown[focus]) setFocus(-1);
    lit = focus >= 0 ? graph.paths(model, shown, focus, useSvg) : null;
    controls.value.textContent = `${controls.share.value}%`;
    const kernels = scene.visible.slice(1).reduce((sum, nodes) => sum + nodes.length, 0);
    status.textContent = graph.chosenInWords(model, chosen, kernels, scene);
    Object.assign(root.dataset, { nodes: String(kernels), edges: String(scene.edges.length) });
    paint();
  }

  // ---- pointing and walking --------------------------------------------------------------------------------------

  function nodeAt(clientX, clientY) {
    const box = surface.getBoundingClientRect();
    return graph.nodeAt(scene, ...transform.invert([clientX - box.left, clientY - box.top]));
  }

  function setFocus(node) {
    if (node === focus) return;
    focus = node;
    lit = node >= 0 ? graph.paths(model, shown, node, useSvg) : null;
    graph.fillCard(popup, model, node);
    if (node >= 0) placeCard();
    paintSoon();
  }

  function placeCard() {
    const [x, y] = transform.apply([scene.x[focus], scene.y[focus]]);
    const node = { left: x - holder.scrollLeft, y, nodeWidth: graph.NODE_WIDTH };
    const card = { width: popup.offsetWidth, height: popup.offsetHeight };
    const [left, top] = graph.cardPlace(node, card, { width: holder.clientWidth, height: scene.height });
    Object.assign(popup.style, { left: `${left}px`, top: `${top}px` });
    status.textContent = `${model.nameOf(focus)}: ${graph.figures(model, focus)}; ${lit.nodes.size - 1} kernels on its paths to the ${model.data.one}.`;
  }

  function open(node) {
    const card = data.cards[node];
    if (card) location.href = card.href;
  }

  holder.addEventListener("keydown", (event) => {
    if (event.key.startsWith("Arrow")) setFocus(graph.walk(model, shown, scene.visible, focus, event.key));
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
  holder.addEventListener("pointerleave", (event) => {
    if (event.pointerType === "mouse" && document.activeElement !== holder) setFocus(-1);
  });
  holder.addEventListener("click", (event) => {
    const node = nodeAt(event.clientX, event.clientY);
    // A finger cannot hover: its first touch shows the card, its second opens the page.
    if (node >= 0 && (event.pointerType !== "touch" || node === focus)) open(node);
    setFocus(node);
    remember();
  });

  const moves = (event) => !event.button && (!event.touches || event.touches.length > 1);
  const zoom = d3.zoom().scaleExtent([0.5, 12])
    .filter((event) => (event.type === "wheel" ? event.ctrlKey || event.metaKey : moves(event)))
    .on("zoom", (event) => { transform = event.transform; paintSoon(); });
  d3.select(surface).call(zoom).on("dblclick.zoom", null);

  // ---- controls, and the link that restores them -----------------------------------------------------------------

  // Not at every key: browsers take their time over it, and some refuse a hundred in half a minute.
  let remembering = 0;
  function remember() {
    clearTimeout(remembering);
    remembering = setTimeout(() => {
      const kernel = focus >= 0 && !model.isClass(focus) ? model.addressOf(focus) : "";
      const { share, top, negative } = controls;
      const link = graph.linkOf({ share: share.value, top: top.value, negative: negative.checked, byMotion: byMotion(), kernel });
      window.history.replaceState(window.history.state, "", link);
    }, 250);
  }

  // Sets the controls as the page's link says, and returns the kernel that it names, -1 for none.
  function restore() {
    const state = graph.stateOf(location.hash);
    if (!state) return -1;
    controls.share.value = state.share;
    if (state.top !== null) controls.top.value = state.top;
    controls.negative.checked = state.negative;
    if (controls.colour && state.colour !== null) controls.colour.value = state.colour;
    return state.kernel ? [...shown.keys()].findIndex((node) => model.addressOf(node) === state.kernel) : -1;
  }

  function showLegend() {
    for (const legend of root.querySelectorAll("[data-legend]")) legend.hidden = legend.dataset.legend !== (byMotion() ? "motion" : "sign");
  }

  const buttons = {
    in: () => d3.select(surface).call(zoom.scaleBy, 1.4),
    out: () => d3.select(surface).call(zoom.scaleBy, 1 / 1.4),
    reset: () => d3.select(surface).call(zoom.transform, d3.zoomIdentity),
    svg: () => graph.saveSvg(view(null)),
    png: () => graph.savePng(view(null)),
  };
  root.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("button");
    const action = button && buttons[button.dataset.zoom ?? button.dataset.save];
    if (action) action();
  });
  for (const control of [controls.share, controls.top, controls.negative, controls.colour]) {
    if (control) control.addEventListener("input", () => { showLegend(); update(); remember(); });
  }
  new ResizeObserver(() => {
    if (!scene || scene.room === holder.clientWidth) return;
    scene = graph.layout(model, shown, holder.clientWidth);
    paintSoon();
  }).observe(holder);
  new MutationObserver(paintSoon).observe(document.body, { attributes: true, attributeFilter: ["data-md-color-scheme"] });

  const restored = restore();
  showLegend();
  update();
  if (restored >= 0 && shown[restored]) setFocus(restored);
  root.dataset.ready = (performance.now() - begun).toFixed(1);
});
