// The list of kernels: filtered, sorted, and only the rows in the window drawn, so that any number scrolls.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const { address } = report.data;
  const { STATES, kept, orderOf, pageOf, parsed, parts, sorted, span, statesOf } = report.kernels;
  const { make, link } = parts;
  const { plain, fixed, count } = report.format;
  const ROW = 40;
  const SORTS = {
    index: "place in the network", best: "largest real response", median: "response, of the layer's median",
    motion: "motion reliance", speed: "speed", auroc: "AUROC of its label",
  };
  const HEAD = ["", "Kernel", "What it responds to", "Response", "Motion", "px/frame", "State"];
  const FACETS = { dead: "dead", duplicate: "duplicates", silent: "near-silent", visualised: "with synthetic pictures", kept: "in a pyramid" };

  function thumbnail(list, place) {
    const clip = list.clip[place];
    const source = list.picture[place] ?? (clip === null ? "" : list.clips[clip][1]);
    const box = make("span", "rg-kernel__picture");
    if (source) box.append(Object.assign(make("img"), { src: address(source), alt: "", loading: "lazy", decoding: "async" }));
    return box;
  }

  function row(list, place) {
    const words = list.word[place] === null ? "" : list.words[list.word[place]];
    const concepts = (list.concept[place] ?? []).map((at) => list.concepts[at]);
    const best = list.clip[place] === null ? "" : list.clips[list.clip[place]][0];
    const text = list.said[place] ?? ([words, ...concepts].filter(Boolean).join(", ") || (best && list.clips.length > 1 ? `most: ${best}` : ""));
    const line = link(pageOf(list, place), "", "rg-kernel");
    const layer = make("bdi", "", list.layers[list.layer[place]].short);
    const number = (value, digits) => make("span", "rg-kernel__number", digits ? fixed(value, digits) : plain(value));
    line.append(
      thumbnail(list, place), make("b", "", make("span", "", layer), ` #${list.index[place]}`), make("span", "rg-kernel__words", text),
      number(list.best[place]), number(list.motion[place], 2), number(list.speed[place], 2),
      make("span", "rg-kernel__state", statesOf(list, place).join(", ")),
    );
    return line;
  }

  function select(label, options, value, onChange) {
    const box = make("select");
    for (const [name, text] of options) box.add(new Option(text, name, name === value, name === value));
    box.addEventListener("change", () => onChange(box.value));
    return make("label", "", `${label} `, box);
  }

  // `state` holds what is asked: query, sort (a column, "" for what the query asks), down, layer ("" for all).
  function listOf(list, state, onChange) {
    const input = Object.assign(make("input"), { type: "search", value: state.query, placeholder: "motion>0.8 dead stripes" });
    input.setAttribute("aria-label", "Keep kernels by words and figures: motion>0.8 speed<0.2 dead duplicate");
    const status = make("p", "rg-caption");
    status.setAttribute("role", "status");
    const sheet = make("div", "rg-kernels__sheet");
    const view = make("div", "rg-kernels__view", sheet);
    Object.assign(view, { tabIndex: 0, role: "region", ariaLabel: "Kernels" });
    let places = [];
    let drawn = "";

    function draw() {
      const [first, last] = span(view.scrollTop, view.clientHeight, ROW, places.length);
      const now = `${first} ${last}`;
      if (now === drawn) return;
      drawn = now;
      const lines = places.slice(first, last).map((place) => row(list, place));
      lines.forEach((line, i) => { line.style.top = `${(first + i) * ROW}px`; });
      sheet.replaceChildren(...lines);
    }

    function find() {
      const asked = parsed(state.query);
      for (const name of state.facets) asked.bits |= STATES[name];
      const order = state.sort ? { column: state.sort, down: state.down } : orderOf(asked);
      places = sorted(list, kept(list, asked, state.layer === "" ? null : Number(state.layer)), order.column, order.down);
      const silent = places.filter((place) => list.state[place] & STATES.silent).length;
      const apart = silent && silent < places.length ? `; ${count(silent)} near-silent ones stand at the end` : "";
      status.textContent = `${count(places.length)} of ${count(list.size)} kernels${apart}`;
      sheet.style.height = `${places.length * ROW}px`;
      view.scrollTop = 0;
      drawn = "";
      draw();
    }

    function changed(change) {
      Object.assign(state, change);
      find();
      onChange(state);
    }

    const facets = Object.entries(FACETS).map(([name, text]) => {
      const box = Object.assign(make("input"), { type: "checkbox", checked: state.facets.has(name) });
      box.addEventListener("change", () => {
        state.facets[box.checked ? "add" : "delete"](name);
        changed({});
      });
      return make("label", "", box, ` ${text}`);
    });
    input.addEventListener("input", () => changed({ query: input.value }));
    view.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
    const layers = [["", "all layers"], ...list.layers.map((layer, i) => [String(i), layer.title])];
    const head = make("div", "rg-kernel rg-kernel--head", ...HEAD.map((text) => make("span", "", text)));
    const root = make(
      "div", "rg-kernels",
      make("div", "rg-bar", input, select("Layer", layers, state.layer, (layer) => changed({ layer })),
        select("Sort by", [["", "what is asked"], ...Object.entries(SORTS)], state.sort, (sort) => changed({ sort, down: sort !== "index" })), ...facets),
      status, head, view,
    );
    new ResizeObserver(() => { drawn = ""; draw(); }).observe(view);
    find();
    return root;
  }

  Object.assign(report.kernels, { list: listOf });
})();
