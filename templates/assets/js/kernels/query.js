// Which kernels a query keeps: words, figures such as motion>0.8, and what is wrong with them, such as dead.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const { STATES, statesOf } = report.kernels;

  const FIGURES = { motion: "motion", speed: "speed", response: "best", median: "median", auroc: "auroc" };
  const FILTER = new RegExp(`^(${Object.keys(FIGURES).join("|")})(>=|<=|>|<)(-?\\d*\\.?\\d+)$`);
  const FLAGS = {
    dead: STATES.dead, duplicate: STATES.duplicate, duplicates: STATES.duplicate, silent: STATES.silent,
    "near-silent": STATES.silent, visualised: STATES.visualised, pyramid: STATES.kept,
  };
  const HOLDS = {
    ">": (value, limit) => value > limit,
    "<": (value, limit) => value < limit,
    ">=": (value, limit) => value >= limit,
    "<=": (value, limit) => value <= limit,
  };

  // A query in its parts: words, filters of figures, and bits of a kernel's state.
  function parsed(query) {
    const typed = query.toLowerCase().replace(/\s*(>=|<=|>|<)\s*/g, "$1").split(/\s+/).filter(Boolean);
    const filters = [];
    const words = [];
    let bits = 0;
    for (const word of typed) {
      const figure = FILTER.exec(word);
      if (figure) filters.push({ name: figure[1], column: FIGURES[figure[1]], sign: figure[2], limit: Number(figure[3]) });
      else if (Object.hasOwn(FLAGS, word)) bits |= FLAGS[word];
      else words.push(word);
    }
    return { words, filters, bits, empty: typed.length === 0, figured: filters.length > 0 || bits > 0 };
  }

  // What words are looked for in, by place, in lower case; made once.
  function texts(list) {
    list.texts ??= list.layer.map((number, place) => {
      const layer = list.layers[number];
      const word = list.word[place];
      const concepts = (list.concept[place] ?? []).map((at) => list.concepts[at]);
      return [
        `${layer.short} #${list.index[place]}`, layer.name, layer.title, word === null ? "" : list.words[word], ...concepts,
        list.said[place] ?? "", list.clip[place] === null ? "" : list.clips[list.clip[place]][0], ...statesOf(list, place),
      ].join(" ").toLowerCase();
    });
    return list.texts;
  }

  // The places of the kernels that a query keeps, in the order of the list.
  function kept(list, query, within = null) {
    const asked = typeof query === "string" ? parsed(query) : query;
    const found = [];
    const all = asked.words.length ? texts(list) : null;
    const [from, to] = within === null ? [0, list.size] : [list.layers[within].first, list.layers[within].first + list.layers[within].kernels];
    for (let place = from; place < to; place += 1) {
      if ((list.state[place] & asked.bits) !== asked.bits) continue;
      if (!asked.filters.every(({ column, sign, limit }) => list[column][place] !== null && HOLDS[sign](list[column][place], limit))) continue;
      if (all && !asked.words.every((word) => all[place].includes(word))) continue;
      found.push(place);
    }
    return found;
  }

  // Places by a column, those without a figure last; near-silent kernels stand together at the end.
  function sorted(list, places, column, down) {
    const values = list[column];
    const sign = down ? -1 : 1;
    const silent = (place) => (list.state[place] & STATES.silent ? 1 : 0);
    return [...places].sort((a, b) => {
      const apart = silent(a) - silent(b);
      if (apart) return apart;
      if (column === "index") return sign * (a - b);
      const [one, other] = [values[a], values[b]];
      if (one === null || other === null) return (one === null) - (other === null) || a - b;
      return sign * (one - other) || a - b;
    });
  }

  // The order that a query itself asks for: by its first figure, the most first for a lower limit.
  function orderOf(asked) {
    if (!asked.filters.length) return { column: "index", down: false };
    return { column: asked.filters[0].column, down: asked.filters[0].sign.startsWith(">") };
  }

  Object.assign(report.kernels, { parsed, kept, sorted, orderOf, FIGURES });
})();
