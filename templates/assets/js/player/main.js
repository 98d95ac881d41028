// All clips of a page run in step: one clock, one control bar, keys, and what follows the frame beside the clips.
(() => {
  "use strict";

  const report = globalThis.reportgen;
  const { wrapped, begun, isWithin } = report.frames;
  const ROWS = [
    ".rg-views", ".rg-strip", ".rg-map__clips", ".rg-evidence-strips", ".rg-grid", ".rg-minis", ".rg-figures", ".rg-graph",
    ".rg-pyramid-head", ".rg-tiles", ".rg-look__clips", ".rg-findings", ".rg-probes", ".rg-sides", ".rg-examples",
  ].join();
  const state = { playing: true, speed: 1, started: 0 };
  const followers = [];
  let bar = null;

  const clips = report.clips((length) => { if (bar) bar.setLength(length); });
  const { clock } = clips;

  function show(frame) {
    clips.show(wrapped(frame, clock.length));
    for (const cursor of document.querySelectorAll("[data-cursor]")) {
      const frames = Number(cursor.dataset.cursor);
      cursor.setAttribute("x", String((clock.frame % frames) * Number(cursor.dataset.slot)));
    }
    // A box on a clip is bright in the frames for which it was found.
    for (const mark of document.querySelectorAll("[data-mark]")) {
      const [frames, first, last] = [mark.dataset.mark, mark.dataset.first, mark.dataset.last].map(Number);
      mark.classList.toggle("rg-mark--now", isWithin(clock.frame, frames, first, last));
    }
    if (bar) bar.setFrame(clock.frame, clock.length);
    tell();
  }

  function tell() {
    for (const follower of followers) follower(clock.frame, state.playing);
  }

  function tick(now) {
    if (!state.playing) return;
    const started = begun(now, state.started, state.speed);
    if (started !== null) {
      state.started = started;
      show(clock.frame + 1);
    }
    requestAnimationFrame(tick);
  }

  function play(on) {
    const resumed = on && !state.playing;
    state.playing = on;
    if (bar) bar.setPlaying(on);
    if (resumed) requestAnimationFrame(tick);
    tell();
  }

  function rest(frame) {
    play(false);
    show(frame);
  }

  // The bar stands under the first clips and covers nothing; before a table, whose end may be far below.
  function dock(root) {
    const first = document.querySelector(".rg-clip[data-sprite]") ?? document.querySelector("[data-graph]");
    const table = first.closest(".rg-table, .rg-ladder, .rg-beside");
    if (table) return table.before(root);
    return (first.closest(ROWS) ?? first).after(root);
  }

  function takesKeys(target) {
    return target instanceof Element && target.closest("input, select, textarea, button, summary, [contenteditable], [role=application], .rg-table");
  }

  document.addEventListener("keydown", (event) => {
    if (!bar || event.ctrlKey || event.metaKey || event.altKey || takesKeys(event.target)) return;
    const actions = {
      " ": () => play(!state.playing),
      ArrowLeft: () => rest(clock.frame - 1),
      ArrowRight: () => rest(clock.frame + 1),
    };
    const action = actions[event.key];
    if (!action || (event.key === " " && event.target instanceof HTMLAnchorElement)) return;
    event.preventDefault();
    action();
  });
  // Clips that were never on screen are loaded first, so that they too are strips on paper.
  document.addEventListener("keydown", (event) => {
    if (!bar || event.key.toLowerCase() !== "p" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    clips.loadAll().then(() => window.print());
  });
  window.addEventListener("beforeprint", clips.readyForPaper);
  window.addEventListener("afterprint", clips.backFromPaper);

  // The bar comes with the first clip, and again where a script has replaced what it stood under.
  // By keyboard the bar is one stop away, however many links stand before it.
  function skip(root) {
    root.id = "rg-player";
    root.tabIndex = -1;
    const link = document.createElement("a");
    Object.assign(link, { className: "rg-skip", href: "#rg-player", textContent: "Skip to the playback controls" });
    link.addEventListener("click", (event) => { event.preventDefault(); root.focus(); });
    return link;
  }

  function begin() {
    if (bar) {
      if (!bar.root.isConnected) dock(bar.root);
      return;
    }
    bar = report.playerBar(clock.length, {
      toggle: () => play(!state.playing),
      step: (by) => rest(clock.frame + by),
      frame: rest,
      speed: (factor) => { state.speed = factor; },
    });
    dock(bar.root);
    document.body.prepend(skip(bar.root));
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      rest(Math.floor(clock.length / 2));
    } else {
      show(0);
      requestAnimationFrame(tick);
    }
  }

  for (const element of document.querySelectorAll(".rg-clip[data-sprite]")) clips.add(element);
  if (clips.any() || document.querySelector("[data-graph]")) begin();

  // A clip that a script has put into the page plays with the others.
  function add(element) {
    clips.add(element);
    if (document.querySelector(".rg-clip[data-sprite]")) begin();
  }

  // `follow` calls back with the frame and whether the clips play, now and whenever one of both changes.
  function follow(follower) {
    followers.push(follower);
    follower(clock.frame, state.playing);
  }

  report.player = { add, remove: clips.remove, rest, follow };
})();
