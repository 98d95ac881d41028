// The finder: names of pages, kernels, classes and clips. Its index is a script, so that it works without a server.
// A word such as motion>0.8 or motion<=0.1 keeps the kernels of that reliance on motion, the most (or least) first.
(() => {
  "use strict";

  const { entryOf, parsed, search } = globalThis.reportgen.search;
  const { fixed } = globalThis.reportgen.format;
  const MOST = 30;
  const header = document.querySelector(".md-header__inner");
  const settings = document.getElementById("__config");
  if (!header || !settings) return;
  const base = JSON.parse(settings.textContent).base;

  const root = document.createElement("div");
  root.className = "rg-finder";
  root.setAttribute("role", "search");
  const input = document.createElement("input");
  Object.assign(input, { type: "search", placeholder: "Kernel, class, clip, motion>0.8", autocomplete: "off" });
  input.setAttribute("aria-label", "Find a kernel, class or clip; motion>0.5 finds kernels that rely on motion");
  const list = document.createElement("ul");
  list.hidden = true;
  root.append(input, list);
  header.append(root);

  let index = null;
  function load() {
    if (index) return;
    index = [];
    const script = document.createElement("script");
    script.src = `${base}/assets/data/finder.js`;
    script.addEventListener("load", () => {
      index = window.reportData.finder.map(entryOf);
      find();
    });
    document.head.append(script);
  }

  function address(path) {
    return `${base}/${path.split("/").map(encodeURIComponent).join("/")}`;
  }

  function row(entry) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = address(entry.page);
    const picture = document.createElement(entry.picture ? "img" : "span");
    if (entry.picture) Object.assign(picture, { src: address(entry.picture), alt: "" });
    const words = document.createElement("span");
    const what = document.createElement("small");
    what.textContent = entry.motion === undefined ? entry.what : `${entry.what} · motion ${fixed(entry.motion, 2)}`;
    words.append(entry.title, what);
    link.append(picture, words);
    item.append(link);
    return item;
  }

  function note(text) {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  }

  function find() {
    const { words, filters } = parsed(input.value);
    const found = index ? search(index, input.value) : [];
    const typed = words.length + filters.length > 0;
    list.replaceChildren(...found.slice(0, MOST).map(row));
    if (found.length > MOST) list.append(note(`${found.length - MOST} more: type another word.`));
    if (typed && !found.length) {
      list.append(note(filters.length ? "No kernel of that reliance on motion in this report." : "Nothing of that name in this report."));
    }
    list.hidden = !typed;
  }

  input.addEventListener("focus", load);
  input.addEventListener("input", find);
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
})();
