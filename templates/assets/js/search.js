// What the finder makes of a query: words that must all be there, and filters such as motion>0.8.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});

  const FILTER = /^motion(>=|<=|>|<)(-?\d*\.?\d+)$/;
  const HOLDS = {
    ">": (value, limit) => value > limit,
    "<": (value, limit) => value < limit,
    ">=": (value, limit) => value >= limit,
    "<=": (value, limit) => value <= limit,
  };

  // An entry with what is searched in lower case: its title ranks, all of its text finds.
  function entryOf(found) {
    return {
      ...found,
      name: found.title.toLowerCase(),
      text: `${found.title} ${found.what} ${found.words}`.toLowerCase(),
    };
  }

  function parsed(query) {
    const typed = query.toLowerCase().replace(/\s*(>=|<=|>|<)\s*/g, "$1").split(/\s+/).filter(Boolean);
    const filters = typed.map((word) => FILTER.exec(word)).filter(Boolean)
      .map(([, sign, limit]) => ({ sign, limit: Number(limit) }));
    return { words: typed.filter((word) => !FILTER.test(word)), filters };
  }

  function fits(entry, { words, filters }) {
    const within = ({ sign, limit }) => entry.motion !== undefined && HOLDS[sign](entry.motion, limit);
    return filters.every(within) && words.every((word) => entry.text.includes(word));
  }

  // The entries that fit: those with more of the words in their title first, then by what the first filter asks for.
  function search(index, query) {
    const asked = parsed(query);
    if (!asked.words.length && !asked.filters.length) return [];
    const score = (entry) => asked.words.reduce((sum, word) => sum + (entry.name.includes(word) ? 1 : 0), 0);
    const down = asked.filters.length && asked.filters[0].sign.startsWith(">") ? -1 : 1;
    const found = index.filter((entry) => fits(entry, asked));
    return found.sort((a, b) => score(b) - score(a) || (asked.filters.length ? down * (a.motion - b.motion) : 0));
  }

  report.search = { entryOf, parsed, search };
})();
