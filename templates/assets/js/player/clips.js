// The clips of a page, drawn from their sprites: loaded as they come near the window, and at rest off screen.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const { frameOf, corner, onPaper, placed } = report.frames;
  const LOOK_AHEAD = "250px";

  // `onLonger` is told when a clip comes that has more frames than all before it.
  report.clips = (onLonger) => {
    const clips = new Map();
    const clock = { frame: 0, length: 1 };

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
      clip.loaded = new Promise((resolve) => {
        clip.image.addEventListener("load", resolve);
        clip.image.addEventListener("error", resolve);
      });
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

    function loadAll() {
      for (const clip of clips.values()) load(clip);
      return Promise.all([...clips.values()].map((clip) => clip.loaded));
    }

    const inSprite = (clip, frame) => (clip.order ? clip.order[frame] : frame);

    function draw(clip) {
      if (!clip.ready) return;
      const frame = frameOf(clip.frames, clock.frame, clock.length);
      if (clip.drawn === frame) return;
      clip.drawn = frame;
      const { width, height } = clip;
      const [left, top] = corner(inSprite(clip, frame), clip.columns, width, height);
      clip.canvas.getContext("2d").drawImage(clip.image, left, top, width, height, 0, 0, width, height);
    }

    function show(frame) {
      clock.frame = frame;
      for (const clip of clips.values()) if (clip.visible) draw(clip);
    }

    function add(element) {
      if (clips.has(element)) return;
      const number = (name) => Number(element.dataset[name]);
      const clip = {
        element, sprite: element.dataset.sprite, frames: number("frames"), columns: number("columns"),
        width: number("width"), height: number("height"), visible: false, ready: false, drawn: -1,
        order: element.dataset.order ? element.dataset.order.split(",").map(Number) : null,
      };
      clips.set(element, clip);
      watcher.observe(element);
      if (clip.frames > clock.length) {
        clock.length = clip.frames;
        onLonger(clock.length);
      }
    }

    function remove(element) {
      watcher.unobserve(element);
      clips.delete(element);
    }

    // One frame of a clip as an element of its own, cut out of the sprite by where that lies behind its box.
    function still(clip, frame) {
      const box = document.createElement("span");
      box.style.aspectRatio = `${clip.width} / ${clip.height}`;
      const image = new Image();
      image.alt = "";
      image.src = clip.sprite;
      Object.assign(image.style, placed(inSprite(clip, frame), clip.columns));
      box.append(image);
      return box;
    }

    // What was never on screen loads now: a browser that prints waits for the pictures of the page, whichever way it was
    // told to print, and it does not wait for what a script would draw from them.
    function readyForPaper() {
      for (const clip of clips.values()) {
        if (clip.paper) continue;
        clip.paper = document.createElement("span");
        clip.paper.className = "rg-paper";
        clip.paper.append(...onPaper(clip.frames).map((frame) => still(clip, frame)));
        clip.element.append(clip.paper);
        clip.element.classList.add("rg-printed");
      }
    }

    function backFromPaper() {
      for (const clip of clips.values()) {
        if (!clip.paper) continue;
        clip.paper.remove();
        clip.paper = null;
        clip.element.classList.remove("rg-printed");
      }
    }

    return { clock, add, remove, show, loadAll, readyForPaper, backFromPaper, any: () => clips.size > 0 };
  };
})();
