// Which rows of a long list a window shows: only these are drawn, whatever the list's length.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const SPARE = 6;

  // The first row and the one behind the last that stand in a window of `height` px scrolled down to `top`.
  function span(top, height, rowHeight, count) {
    const first = Math.max(0, Math.floor(top / rowHeight) - SPARE);
    return [Math.min(first, count), Math.min(count, Math.ceil((top + height) / rowHeight) + SPARE)];
  }

  Object.assign(report.kernels, { span });
})();
