// What the theme's own script does that these pages need: the scheme, the menu by keyboard, the title in the header,
// where in the page one is, the way back to the top, and what is folded on paper. A tenth of its size.
(() => {
  "use strict";

  const ALOFT = 64; // px below the header within which a part has begun
  const root = document.documentElement;
  root.classList.replace("no-js", "js");

  function follow(query, answer) {
    answer(query.matches);
    query.addEventListener("change", () => answer(query.matches));
  }

  // The scheme that was chosen, and otherwise the one that the reader's system has.
  function schemes() {
    const inputs = [...document.querySelectorAll("[data-md-component=palette] input")];
    if (!inputs.length) return;

    function show(chosen) {
      for (const input of inputs) {
        const label = input.nextElementSibling;
        if (label instanceof HTMLLabelElement) label.hidden = input !== chosen;
      }
      chosen.checked = true;
      for (const [name, value] of Object.entries(colours(chosen))) document.body.setAttribute(`data-md-color-${name}`, value);
    }

    function colours(input) {
      const { mdColorMedia: media, mdColorScheme: scheme, mdColorPrimary: primary, mdColorAccent: accent } = input.dataset;
      return { media, scheme, primary, accent };
    }

    inputs.forEach((input, index) => input.addEventListener("change", () => {
      globalThis.__md_set("__palette", { index, color: colours(input) });
      show(input);
    }));
    const kept = globalThis.__md_get("__palette");
    if (kept && inputs[kept.index]) show(inputs[kept.index]);
    else follow(matchMedia(inputs[inputs.length - 1].dataset.mdColorMedia), (last) => show(inputs[last ? inputs.length - 1 : 0]));
  }

  // A label that is reached by keyboard answers to Enter; whoever follows a link has done with the menu.
  function menu() {
    document.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target instanceof HTMLLabelElement) event.target.click();
    });
    const drawer = document.getElementById("__drawer");
    for (const label of document.querySelectorAll(".md-header label[for=__drawer]")) {
      label.tabIndex = 0;
      label.setAttribute("role", "button");
      label.setAttribute("aria-label", "Menu");
    }
    document.addEventListener("click", (event) => {
      if (drawer && event.target instanceof Element && event.target.closest("a[href]")) drawer.checked = false;
    });
  }

  // Calls back at most once a frame while the page is scrolled, and at once.
  function onScroll(answer) {
    let due = false;
    const now = () => { due = false; answer(); };
    addEventListener("scroll", () => {
      if (!due) requestAnimationFrame(now);
      due = true;
    }, { passive: true });
    answer();
  }

  function title() {
    const heading = document.querySelector("article h1");
    const header = document.querySelector(".md-header");
    const shown = document.querySelector("[data-md-component=header-title]");
    if (!heading || !header || !shown) return;
    onScroll(() => shown.classList.toggle("md-header__title--active", heading.getBoundingClientRect().bottom < header.offsetHeight));
  }

  // The part of the page that is read is marked in its table of contents, and stays in view there.
  function contents() {
    const links = [...document.querySelectorAll("[data-md-component=toc] a[href*='#']")];
    const parts = links.map((link) => document.getElementById(decodeURIComponent(link.hash.slice(1))));
    const box = document.querySelector(".md-sidebar--secondary .md-sidebar__scrollwrap");
    if (!links.length) return;
    onScroll(() => {
      const line = ALOFT + document.querySelector(".md-header").offsetHeight;
      const at = parts.findLastIndex((part) => part && part.getBoundingClientRect().top <= line);
      links.forEach((link, place) => {
        link.classList.toggle("md-nav__link--passed", place < at);
        link.classList.toggle("md-nav__link--active", place === at);
      });
      if (box && at >= 0) box.scrollTop = links[at].offsetTop - box.clientHeight / 2;
    });
  }

  function top() {
    const button = document.querySelector("[data-md-component=top]");
    if (!button) return;
    let before = scrollY;
    onScroll(() => {
      button.hidden = scrollY < innerHeight || scrollY >= before;
      before = scrollY;
    });
    button.addEventListener("click", () => scrollTo({ top: 0, behavior: "smooth" }));
  }

  // What is folded is open on paper, and where an address leads into it.
  function folded() {
    let opened = [];
    const open = (element) => { element.open = true; return element; };
    addEventListener("beforeprint", () => { opened = [...document.querySelectorAll("details:not([open])")].map(open); });
    addEventListener("afterprint", () => { for (const element of opened.splice(0)) element.open = false; });
    const reveal = () => {
      const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
      const around = target?.closest("details:not([open])");
      if (!around) return;
      around.open = true;
      target.scrollIntoView();
    };
    addEventListener("hashchange", reveal);
    reveal();
  }

  for (const begin of [schemes, menu, title, contents, top, folded]) begin();
})();
