// Numbers and names as a reader sees them.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});

  function typographic(text) {
    return text.replace("-", "−");
  }

  // Three digits, as powers of ten where it is very large or small; a dash for what is not known.
  function plain(value) {
    if (value === null || value === undefined) return "–";
    const size = Math.abs(value);
    return typographic(size !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(1) : value.toPrecision(3));
  }

  function fixed(value, digits) {
    return value === null || value === undefined ? "–" : typographic(value.toFixed(digits));
  }

  // A whole number with its thousands apart.
  function count(value) {
    return String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  }

  function shortened(text, most) {
    return text.length > most ? `${text.slice(0, most - 1)}…` : text;
  }

  report.format = { plain, fixed, count, shortened };
})();
