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

  // The frames of a clip that stand side by side on paper: four over its whole length, or all of a shorter one.
  function onPaper(frames, most = 4) {
    const shown = Math.min(most, frames);
    return Array.from({ length: shown }, (_, i) => (shown === 1 ? 0 : Math.round((i * (frames - 1)) / (shown - 1))));
  }

  // Where a sprite stands for one frame of it to fill a box; rows are shares of the box by a shift, as the box's height is.
  function placed(frame, columns) {
    const [left, top] = corner(frame, columns, 100, 100);
    return { width: `${100 * columns}%`, left: `${-left}%`, top: `${-top}%` };
  }

  report.frames = { wrapped, frameOf, corner, begun, isWithin, onPaper, placed };
})();
