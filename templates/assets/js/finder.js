// The finder: pages, classes, clips and concepts by their names, and any kernel by its words and figures. What it
// searches are scripts, so that it works without a server; they are loaded when somebody searches.
(() => {
  "use strict";

  const report = globalThis.reportgen;
  const { entryOf, search } = report.search;
  const { address, load } = report.data;
  const { kept, loadList, nameOf, orderOf, pageOf, parsed, sorted, statesOf } = report.kernels;
  const { fixed, plain } = report.format;
  const MOST = 12;
  const header = document.querySelector(".md-header__inner");
  if (!header) return;

  const root = document.createElement("div");
  root.className = "rg-finder";
  root.setAttribute("role", "search");
  const input = document.createElement("input");
  Object.assign(input, { type: "search", placeholder: "Kernel, class, clip, motion>0.8", autocomplete: "off" });
  input.setAttribute("aria-label", "Find a kernel, layer, class, clip or concept; motion>0.8 speed<0.2 dead finds such kernels");
  const list = document.createElement("ul");
  list.hidden = true;
  root.append(input, list);
  header.append(root);

  let index = null;
  let waiting = null;

  // The pages, and of each model the list of its kernels.
  async function read() {
    const { pages, kernels } = await load("assets/data/finder");
    const lists = await Promise.all(kernels.map(async (folder) => ({ folder, list: await loadList(folder) })));
    index = { pages: pages.map(entryOf), lists };
    find();
  }

  const begin = () => { waiting ??= read().catch(refused); };

  function refused(error) {
    list.replaceChildren(note(error.message));
    list.hidden = false;
  }

  function row(href, picture, title, what) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = href;
    const image = document.createElement(picture ? "img" : "span");
    if (picture) Object.assign(image, { src: address(picture), alt: "" });
    const words = document.createElement("span");
    const small = document.createElement("small");
    small.textContent = what;
    words.append(title, small);
    link.append(image, words);
    item.append(link);
    return item;
  }

  const encoded = (path) => path.split("#").map((part) => part.split("/").map(encodeURIComponent).join("/")).join("#");
  const pageRow = (entry) => row(address(encoded(entry.page)), entry.picture && encoded(entry.picture), entry.title, entry.what);

  function kernelRow({ list: all }, place, several) {
    const clip = all.clip[place];
    const picture = all.picture[place] ?? (clip === null ? "" : all.clips[clip][1]);
    const [motion, speed] = [all.motion[place], all.speed[place]];
    const what = [
      ...statesOf(all, place), motion === null ? "" : `motion ${fixed(motion, 2)}`, speed === null ? "" : `${plain(speed)} px/frame`,
      all.word[place] === null ? "" : all.words[all.word[place]], several ? all.model : "",
    ];
    return row(pageOf(all, place), picture, nameOf(all, place), what.filter(Boolean).join(" · "));
  }

  function note(text, href) {
    const item = document.createElement("li");
    const inner = href ? Object.assign(document.createElement("a"), { href, className: "rg-finder__more" }) : item;
    inner.append(text);
    if (href) item.append(inner);
    return item;
  }

  // The kernels of a model that a query keeps: its first ones as rows, and where all of them are listed.
  function kernelRows(one, asked, several) {
    const order = orderOf(asked);
    const places = kept(one.list, asked);
    const first = sorted(one.list, places, order.column, order.down).slice(0, MOST);
    const rest = places.length - first.length;
    const all = `${address(`${one.folder}/kernels.html`)}?q=${encodeURIComponent(input.value.trim())}`;
    return [
      ...first.map((place) => kernelRow(one, place, several)),
      ...(rest > 0 ? [note(`${rest} more kernels${several ? ` of ${one.list.model}` : ""}: list them`, all)] : []),
    ];
  }

  function found(asked) {
    const pages = asked.figured ? [] : search(index.pages, asked.words);
    return [
      ...pages.slice(0, MOST).map(pageRow),
      ...(pages.length > MOST ? [note(`${pages.length - MOST} more pages: type another word.`)] : []),
      ...index.lists.flatMap((one) => kernelRows(one, asked, index.lists.length > 1)),
    ];
  }

  function find() {
    const asked = parsed(input.value);
    const rows = index && !asked.empty ? found(asked) : [];
    if (index && !asked.empty && !rows.length) {
      rows.push(note(asked.figured ? "No kernel of this report is so." : "Nothing of that name in this report."));
    }
    list.replaceChildren(...rows);
    list.hidden = asked.empty || !index;
    remember();
  }

  // The query stands in the address: it can be sent, and Back brings it again.
  function remember() {
    const given = new URLSearchParams(location.search);
    const query = input.value.trim();
    if (query === (given.get("find") ?? "")) return;
    if (query) given.set("find", query);
    else given.delete("find");
    const text = given.toString();
    history.replaceState(history.state, "", `${location.pathname}${text ? `?${text}` : ""}${location.hash}`);
  }

  input.addEventListener("focus", begin);
  input.addEventListener("input", () => {
    begin();
    find();
  });
  root.addEventListener("keydown", (event) => {
    const links = [...list.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    if (event.key === "Escape") {
      list.hidden = true;
      input.blur();
    } else if (event.key === "ArrowDown" && links.length) {
      links[Math.min(at + 1, links.length - 1)].focus();
      event.preventDefault();
    } else if (event.key === "ArrowUp" && links.length) {
      (at > 0 ? links[at - 1] : input).focus();
      event.preventDefault();
    } else if (event.key === "Enter" && document.activeElement === input && links.length) {
      links[0].click();
    }
  });
  document.addEventListener("click", (event) => {
    if (!root.contains(event.target)) list.hidden = true;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.closest("input, textarea, select")) return;
    event.preventDefault();
    input.focus();
  });

  input.value = new URLSearchParams(location.search).get("find") ?? "";
  if (input.value) begin();
})();
