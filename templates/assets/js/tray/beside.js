// The page that puts items side by side: a column each, and a row for each picture and figure of one name.
globalThis.reportgen.data.show("compare", document.querySelector("[data-beside]"), (index) => {
  "use strict";

  const report = globalThis.reportgen;
  const { MOST, parse, link, toggled, groupsOf, rowsOf } = report.choice;
  const root = document.querySelector("[data-beside]");
  const known = new Map(index.map((item) => [item.key, item]));
  let keys = (parse(location.hash) ?? report.tray.read()).filter((key) => known.has(key));

  function make(tag, className, ...content) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    element.append(...content);
    return element;
  }

  function button(text, label, action) {
    const element = Object.assign(make("button", "rg-copy", text), { type: "button" });
    element.setAttribute("aria-label", label);
    element.addEventListener("click", action);
    return element;
  }

  function picture(strip) {
    const clip = make("span", strip.fade < 1 ? "rg-clip rg-clip--faded" : "rg-clip");
    clip.style.aspectRatio = `${strip.width} / ${strip.height}`;
    clip.style.setProperty("--fade", String(strip.fade));
    clip.setAttribute("role", "img");
    clip.setAttribute("aria-label", strip.alt);
    const still = strip.frames === 1 ? strip.sprite : strip.poster;
    if (still) clip.append(Object.assign(document.createElement("img"), { src: still, alt: "" }));
    if (strip.frames > 1) for (const name of ["sprite", "frames", "columns", "width", "height"]) clip.dataset[name] = String(strip[name]);
    return clip;
  }

  function head(item) {
    const title = make("a", "", item.title);
    title.href = item.key;
    const kind = make("span", "rg-beside__kind", `${item.kind}, ${item.network}`);
    return make("div", "rg-beside__head", title, kind, button("−", `Take ${item.title} away`, () => choose(toggled(keys, item.key))));
  }

  function row(name, items, part, shown) {
    const cells = items.map((item) => {
      const found = item[part].find(([own]) => own === name);
      return make("div", `rg-beside__${part}`, ...(found ? [shown(found[1])] : []));
    });
    return [make("p", "rg-beside__name", name), ...cells];
  }

  function table(items) {
    const grid = make("div", "rg-beside", ...items.map(head));
    grid.style.setProperty("--columns", String(items.length));
    for (const name of rowsOf(items, "pictures")) grid.append(...row(name, items, "pictures", picture));
    for (const name of rowsOf(items, "figures")) grid.append(...row(name, items, "figures", (text) => text));
    return grid;
  }

  function chooser() {
    const select = document.createElement("select");
    select.setAttribute("aria-label", "Add to the comparison");
    select.add(new Option("Add …", ""));
    for (const kind of [...new Set(index.map((item) => item.kind))]) {
      const group = document.createElement("optgroup");
      group.label = kind;
      for (const item of index) if (item.kind === kind && !keys.includes(item.key)) group.append(new Option(`${item.title} (${item.network})`, item.key));
      select.append(group);
    }
    select.addEventListener("change", () => choose([...keys, select.value]));
    return select;
  }

  function groups() {
    return groupsOf(index, keys).map((group) => {
      const text = `same ${group.name}: ${group.value} (${group.keys.length})`;
      return button(text, `Add each ${group.kind} of the ${text}`, () => choose([...new Set([...keys, ...group.keys])]));
    });
  }

  function draw() {
    const items = keys.map((key) => known.get(key));
    root.querySelectorAll("[data-sprite]").forEach((old) => report.player.remove(old));
    const copy = Object.assign(make("button", "rg-copy", "copy link"), { type: "button" });
    copy.dataset.copyLink = "";
    const bar = make("div", "rg-bar", ...(keys.length < MOST ? [chooser(), ...groups()] : []), ...(items.length ? [copy] : []));
    const none = make("p", "rg-empty", "Nothing is chosen: press “compare +” on the page of a kernel, clip, class or network, or add one here.");
    root.replaceChildren(bar, items.length ? table(items) : none);
    root.querySelectorAll("[data-sprite]").forEach((clip) => report.player.add(clip));
  }

  function choose(next) {
    keys = next.slice(0, MOST);
    report.tray.write(keys);
    window.history.replaceState(window.history.state, "", keys.length ? link(keys) : location.pathname);
    draw();
  }

  window.addEventListener("hashchange", () => { keys = (parse(location.hash) ?? []).filter((key) => known.has(key)); draw(); });
  draw();
});
