// Which pages fit words: all of them must be there, and those in the title rank first.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});

  // An entry with what is searched in lower case: its title ranks, all of its text finds.
  function entryOf(found) {
    return {
      ...found,
      name: found.title.toLowerCase(),
      text: `${found.title} ${found.what} ${found.words}`.toLowerCase(),
    };
  }

  function search(index, words) {
    if (!words.length) return [];
    const score = (entry) => words.reduce((sum, word) => sum + (entry.name.includes(word) ? 1 : 0), 0);
    return index.filter((entry) => words.every((word) => entry.text.includes(word))).sort((a, b) => score(b) - score(a));
  }

  report.search = { entryOf, search };
})();
