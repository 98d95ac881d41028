// Numbers and names as a reader sees them.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});

  function typographic(text) {
    return text.replaceAll("-", "−");
  }

  function superscript(exponent) {
    return [...String(Number(exponent))].map((sign) => (sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(sign)])).join("");
  }

  // Three digits as on pages, and no exponent between 0.001 and a million; a dash for what is not known.
  function plain(value) {
    if (value === null || value === undefined) return "–";
    if (value === 0) return "0";
    const size = Math.abs(value);
    if (size < 1e-3 || size >= 1e6) {
      const [mantissa, exponent] = value.toExponential(2).split("e");
      return `${typographic(mantissa)}·10${superscript(exponent)}`;
    }
    if (size >= 100) return typographic(count(Math.round(value)));
    return typographic(value.toFixed(2 - Math.floor(Math.log10(size))));
  }

  // So many decimals; what rounds to zero has no sign.
  function fixed(value, digits) {
    if (value === null || value === undefined) return "–";
    const text = value.toFixed(digits);
    return typographic(Number(text) === 0 ? text.replace("-", "") : text);
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
