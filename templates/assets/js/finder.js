// The finder: names of pages, kernels, classes and clips. Its index is a script, so that it works without a server.
(() => {
  "use strict";

  const MOST = 30;
  const header = document.querySelector(".md-header__inner");
  const settings = document.getElementById("__config");
  if (!header || !settings) return;
  const base = JSON.parse(settings.textContent).base;

  const root = document.createElement("div");
  root.className = "rg-finder";
  root.setAttribute("role", "search");
  const input = document.createElement("input");
  Object.assign(input, { type: "search", placeholder: "Find a kernel, class, clip", autocomplete: "off" });
  input.setAttribute("aria-label", "Find a kernel, class or clip");
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
      index = window.reportData.finder.map((entry) => ({
        ...entry,
        name: entry.title.toLowerCase(),
        text: `${entry.title} ${entry.what} ${entry.words}`.toLowerCase(),
      }));
      find();
    });
    document.head.append(script);
  }

  function row(entry) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = `${base}/${entry.page.split("/").map(encodeURIComponent).join("/")}`;
    const picture = document.createElement(entry.picture ? "img" : "span");
    if (entry.picture) {
      picture.src = `${base}/${entry.picture.split("/").map(encodeURIComponent).join("/")}`;
      picture.alt = "";
    }
    const words = document.createElement("span");
    const what = document.createElement("small");
    what.textContent = entry.what;
    words.append(entry.title, what);
    link.append(picture, words);
    item.append(link);
    return item;
  }

  function find() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const score = (entry) => words.reduce((sum, word) => sum + (entry.name.includes(word) ? 1 : 0), 0);
    const found = words.length && index ? index.filter((entry) => words.every((word) => entry.text.includes(word))) : [];
    found.sort((a, b) => score(b) - score(a));
    list.replaceChildren(...found.slice(0, MOST).map(row));
    if (words.length && !found.length) {
      const none = document.createElement("li");
      none.textContent = "Nothing of that name in this report.";
      list.append(none);
    }
    list.hidden = !words.length;
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
