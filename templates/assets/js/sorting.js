// What a table's cells are worth when it is sorted: numbers by size, before words by the alphabet.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});

  // A cell's number, as the pages write it: 1 234, −5, 25%; its text where it holds none.
  function worth(text) {
    const number = text === "" ? NaN : Number(text.replace(/[\u202f%]/g, "").replace("−", "-"));
    return Number.isNaN(number) ? text : number;
  }

  function compare(a, b) {
    if (typeof a === "number" && typeof b === "number") return a - b;
    if (typeof a === "number") return -1;
    if (typeof b === "number") return 1;
    return a.localeCompare(b, undefined, { numeric: true });
  }

  // Items in the order of their worth; equal ones stay as they stand.
  function ordered(items, worthOf, down) {
    const pairs = items.map((item) => [worthOf(item), item]);
    pairs.sort((a, b) => (down ? -1 : 1) * compare(a[0], b[0]));
    return pairs.map((pair) => pair[1]);
  }

  // Cards by a figure of theirs; those without it come last, and equal ones by their index (so do two without it, for
  // infinities have no difference). `factsOf` returns a card's figures.
  function ranked(factsOf, name, down) {
    const rank = (facts) => (name in facts ? (down ? -1 : 1) * Number(facts[name]) : Infinity);
    return (a, b) => {
      const [one, other] = [factsOf(a), factsOf(b)];
      return rank(one) - rank(other) || Number(one.index) - Number(other.index);
    };
  }

  report.sorting = { worth, compare, ordered, ranked };
})();
