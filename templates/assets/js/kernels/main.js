// The page of all kernels of a model or of a layer: a list, or the page of the kernel that the address names.
(() => {
  "use strict";

  const report = globalThis.reportgen;
  const { drawn, list: makeList, loadList, padded, partOf, parts } = report.kernels;
  const { make, link } = parts;
  const root = document.querySelector("[data-kernels]");
  if (!root) return;
  const folder = root.dataset.kernels;
  const own = root.dataset.layer ?? "";
  const plainTables = [...document.querySelectorAll("[data-plain]")];
  const title = document.querySelector("h1");
  const before = { title: title.textContent.replace("¶", ""), document: document.title };

  const asked = () => (own !== "" && /^#\d{4,}$/.test(location.hash) ? Number(location.hash.slice(1)) : null);

  function show(...children) {
    root.querySelectorAll("[data-sprite]").forEach((old) => report.player.remove(old));
    root.replaceChildren(...children);
    root.querySelectorAll("[data-sprite]").forEach((one) => report.player.add(one));
    // On paper the plain table stands for the list, of which only what is in its window exists.
    for (const table of plainTables) {
      table.hidden = true;
      table.classList.toggle("rg-on-paper", Boolean(root.querySelector(".rg-kernels")));
    }
  }

  function name(text, documentTitle) {
    title.textContent = text;
    document.title = documentTitle;
  }

  // What the list is asked for stands in the address, so that it can be sent, and Back restores it.
  function stateOf() {
    const given = new URLSearchParams(location.search);
    return {
      query: given.get("q") ?? "", sort: given.get("sort") ?? "", down: given.get("sort") !== "index",
      layer: given.get("layer") ?? own, facets: new Set((given.get("only") ?? "").split(",").filter(Boolean)),
    };
  }

  function remember(state) {
    const given = new URLSearchParams(location.search);
    const values = { q: state.query, sort: state.sort, layer: state.layer === own ? "" : state.layer, only: [...state.facets].join(",") };
    for (const [key, value] of Object.entries(values)) {
      if (value) given.set(key, value);
      else given.delete(key);
    }
    const text = given.toString();
    history.replaceState(null, "", `${location.pathname}${text ? `?${text}` : ""}`);
  }

  async function showList() {
    const list = await loadList(folder);
    if (asked() !== null) return;
    name(before.title, before.document);
    show(makeList(list, stateOf(), remember));
  }

  function steps(facts, layer, index) {
    const to = (other, text) => (other >= 0 && other < layer.kernels ? link(`#${padded(other)}`, text) : make("span"));
    const copy = Object.assign(make("button", "rg-copy", "copy link"), { type: "button" });
    copy.dataset.copyLink = "";
    return make("div", "rg-steps", to(index - 1, `‹ #${index - 1}`), link("?", "list"), copy, to(index + 1, `#${index + 1} ›`));
  }

  async function showKernel(index) {
    const { facts, layer, shard, kernel } = await partOf(folder, Number(own), index);
    if (!kernel) {
      name(`No kernel ${index}`, before.document);
      return show(make("p", "rg-empty", `${layer.title} has ${layer.kernels} kernels, counted from 0. `, link("?", "All of them")));
    }
    if (asked() !== index) return;
    name(`${layer.short} #${index}`, `${layer.short} #${index} · ${facts.model}`);
    show(steps(facts, layer, index), ...drawn(kernel, facts, shard, root.dataset.command));
    scrollTo(0, 0);
  }

  function route() {
    const index = asked();
    (index === null ? showList() : showKernel(index)).catch((error) => report.data.failed(root, error));
  }

  globalThis.addEventListener("hashchange", route);
  route();
})();
