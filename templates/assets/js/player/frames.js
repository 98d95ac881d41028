// Which frame of a clip is shown when, and where it lies in its sprite.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});

  const PER_SECOND = 10;

  // A page's frame, from 0 to `length`, from either side.
  function wrapped(frame, length) {
    return ((frame % length) + length) % length;
  }

  // Motion has one frame fewer than its clip, so it rests on its last; shorter clips begin again.
  function frameOf(frames, frame, length) {
    return frames >= length - 1 ? Math.min(frame, frames - 1) : frame % frames;
  }

  // The upper left corner of a frame in a sprite of `columns` frames side by side.
  function corner(frame, columns, width, height) {
    return [(frame % columns) * width, Math.floor(frame / columns) * height];
  }

  // The time at which the frame that is due at `now` began; null while the last one still stands. What is late is
  // not made up for, and what remains of a step is kept, so that the rhythm holds.
  function begun(now, started, speed) {
    const step = 1000 / (PER_SECOND * speed);
    return now - started < step ? null : now - ((now - started) % step);
  }

  function isWithin(frame, frames, first, last) {
    const at = frame % frames;
    return at >= first && at <= last;
  }

  // The frames of a clip that stand side by side on paper.
  function onPaper(frames, most = 4) {
    return Array.from({ length: most }, (_, i) => Math.round((i * (frames - 1)) / (most - 1)));
  }

  report.frames = { wrapped, frameOf, corner, begun, isWithin, onPaper };
})();
