// All clips of a page run in step from their sprites: one clock, one control bar, clips off screen rest.
(() => {
  "use strict";

  const FRAMES_PER_SECOND = 10;
  const LOOK_AHEAD = "250px";
  const clips = new Map();
  const state = { frame: 0, length: 1, playing: true, speed: 1, started: 0 };
  let bar = null;

  const watcher = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        const clip = clips.get(entry.target);
        if (!clip) continue;
        clip.visible = entry.isIntersecting;
        if (clip.visible) load(clip);
      }
    },
    { rootMargin: LOOK_AHEAD },
  );

  function load(clip) {
    if (clip.image) return draw(clip);
    clip.image = new Image();
    clip.image.addEventListener("load", () => {
      clip.canvas = document.createElement("canvas");
      clip.canvas.width = clip.width;
      clip.canvas.height = clip.height;
      clip.element.append(clip.canvas);
      clip.ready = true;
      draw(clip);
    });
    clip.image.src = clip.sprite;
  }

  // Motion has one frame fewer than its clip, so it rests on its last; shorter clips begin again.
  function frameOf(clip, frame) {
    return clip.frames >= state.length - 1 ? Math.min(frame, clip.frames - 1) : frame % clip.frames;
  }

  function drawFrame(clip, frame, x = 0) {
    const column = frame % clip.columns;
    const row = Math.floor(frame / clip.columns);
    const { width, height } = clip;
    clip.canvas.getContext("2d").drawImage(clip.image, column * width, row * height, width, height, x, 0, width, height);
  }

  function draw(clip) {
    if (!clip.ready) return;
    const frame = frameOf(clip, state.frame);
    if (clip.drawn === frame) return;
    clip.drawn = frame;
    drawFrame(clip, frame);
  }

  function show(frame) {
    state.frame = ((frame % state.length) + state.length) % state.length;
    for (const clip of clips.values()) if (clip.visible) draw(clip);
    for (const cursor of document.querySelectorAll("[data-cursor]")) {
      const frames = Number(cursor.dataset.cursor);
      cursor.setAttribute("x", String((state.frame % frames) * Number(cursor.dataset.slot)));
    }
    // A box on a clip is bright in the frames for which it was found.
    for (const mark of document.querySelectorAll("[data-mark]")) {
      const at = state.frame % Number(mark.dataset.mark);
      mark.classList.toggle("rg-mark--now", at >= Number(mark.dataset.first) && at <= Number(mark.dataset.last));
    }
    if (!bar) return;
    bar.scrub.value = String(state.frame);
    bar.label.textContent = `frame ${state.frame + 1}/${state.length}`;
  }

  function tick(now) {
    if (!state.playing) return;
    const step = 1000 / (FRAMES_PER_SECOND * state.speed);
    if (now - state.started >= step) {
      state.started = now - ((now - state.started) % step);
      show(state.frame + 1);
    }
    requestAnimationFrame(tick);
  }

  function play(on) {
    const resumed = on && !state.playing;
    state.playing = on;
    if (bar) {
      bar.play.textContent = on ? "❚❚" : "▶";
      bar.play.setAttribute("aria-label", on ? "Pause" : "Play");
      bar.play.setAttribute("aria-pressed", String(on));
    }
    if (resumed) requestAnimationFrame(tick);
  }

  function step(by) {
    play(false);
    show(state.frame + by);
  }

  function button(text, label, action) {
    const element = document.createElement("button");
    element.type = "button";
    element.textContent = text;
    element.setAttribute("aria-label", label);
    element.title = label;
    element.addEventListener("click", action);
    return element;
  }

  function buildBar() {
    const root = document.createElement("div");
    root.className = "rg-player";
    root.setAttribute("role", "group");
    root.setAttribute("aria-label", "All clips of this page");
    const scrub = document.createElement("input");
    Object.assign(scrub, { type: "range", min: "0", max: String(state.length - 1), step: "1", value: "0" });
    scrub.setAttribute("aria-label", "Frame");
    scrub.addEventListener("input", () => {
      play(false);
      show(Number(scrub.value));
    });
    const speed = document.createElement("select");
    speed.setAttribute("aria-label", "Speed");
    for (const factor of [0.25, 0.5, 1, 2]) speed.add(new Option(`${factor}×`, String(factor), factor === 1, factor === 1));
    speed.addEventListener("change", () => { state.speed = Number(speed.value); });
    const label = document.createElement("span");
    label.className = "rg-player__frame";
    const pressed = button("❚❚", "Pause", () => play(!state.playing));
    const smooth = button("◫", "Smooth or sharp pixels", () => document.body.classList.toggle("rg-smooth"));
    root.append(button("‹", "One frame back", () => step(-1)), pressed, button("›", "One frame on", () => step(1)), scrub, label, speed, smooth);
    document.body.append(root);
    bar = { play: pressed, scrub, label };
  }

  function takesKeys(target) {
    return target instanceof Element && target.closest("input, select, textarea, button, summary, [contenteditable], [role=application], .rg-table");
  }

  document.addEventListener("keydown", (event) => {
    if (!bar || event.ctrlKey || event.metaKey || event.altKey || takesKeys(event.target)) return;
    const actions = { " ": () => play(!state.playing), ArrowLeft: () => step(-1), ArrowRight: () => step(1) };
    const action = actions[event.key];
    if (!action || (event.key === " " && event.target instanceof HTMLAnchorElement)) return;
    event.preventDefault();
    action();
  });

  function add(element) {
    if (clips.has(element)) return;
    const number = (name) => Number(element.dataset[name]);
    const clip = {
      element, sprite: element.dataset.sprite, frames: number("frames"), columns: number("columns"),
      width: number("width"), height: number("height"), visible: false, ready: false, drawn: -1,
    };
    clips.set(element, clip);
    watcher.observe(element);
    if (clip.frames > state.length) {
      state.length = clip.frames;
      if (bar) bar.scrub.max = String(state.length - 1);
    }
  }

  function remove(element) {
    watcher.unobserve(element);
    clips.delete(element);
  }

  // On paper each clip is a strip of four of its frames.
  window.addEventListener("beforeprint", () => {
    for (const clip of clips.values()) {
      if (!clip.ready) continue;
      clip.canvas.width = 4 * clip.width;
      clip.element.classList.add("rg-printed");
      for (let i = 0; i < 4; i += 1) drawFrame(clip, Math.round((i * (clip.frames - 1)) / 3), i * clip.width);
    }
  });
  window.addEventListener("afterprint", () => {
    for (const clip of clips.values()) {
      if (!clip.ready) continue;
      clip.canvas.width = clip.width;
      clip.element.classList.remove("rg-printed");
      clip.drawn = -1;
      draw(clip);
    }
  });

  for (const element of document.querySelectorAll(".rg-clip[data-sprite]")) add(element);
  if (clips.size || document.querySelector("[data-graph]")) {
    buildBar();
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) {
      play(false);
      show(Math.floor(state.length / 2));
    } else {
      show(0);
      requestAnimationFrame(tick);
    }
  }
  window.reportPlayer = { add, remove };
})();
