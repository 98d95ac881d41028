// The clips of a page, drawn from their sprites: loaded as they come near the window, and at rest off screen.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const { frameOf, corner, onPaper } = report.frames;
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

    function drawFrame(clip, frame, x = 0) {
      const { width, height } = clip;
      const [left, top] = corner(clip.order ? clip.order[frame] : frame, clip.columns, width, height);
      clip.canvas.getContext("2d").drawImage(clip.image, left, top, width, height, x, 0, width, height);
    }

    function draw(clip) {
      if (!clip.ready) return;
      const frame = frameOf(clip.frames, clock.frame, clock.length);
      if (clip.drawn === frame) return;
      clip.drawn = frame;
      drawFrame(clip, frame);
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

    function readyForPaper() {
      for (const clip of clips.values()) {
        if (!clip.ready) continue;
        const frames = onPaper(clip.frames);
        clip.canvas.width = frames.length * clip.width;
        clip.element.classList.add("rg-printed");
        frames.forEach((frame, i) => drawFrame(clip, frame, i * clip.width));
      }
    }

    function backFromPaper() {
      for (const clip of clips.values()) {
        if (!clip.ready) continue;
        clip.canvas.width = clip.width;
        clip.element.classList.remove("rg-printed");
        clip.drawn = -1;
        draw(clip);
      }
    }

    return { clock, add, remove, show, loadAll, readyForPaper, backFromPaper, any: () => clips.size > 0 };
  };
})();
