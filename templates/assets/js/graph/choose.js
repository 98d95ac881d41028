// Which kernels are shown: the most relevant of each layer, up to a number and up to a share of its relevance.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const graph = (report.graph ??= {});
  const ROUNDING = 1 - 1e-9;

  // How many of `nodes`, the most relevant first, hold `share` of their positive relevance; `most` at most.
  function enough(nodes, relevance, share, most) {
    const positive = nodes.filter((node) => relevance[node] > 0);
    const whole = positive.reduce((sum, node) => sum + relevance[node], 0);
    let held = 0;
    let number = 0;
    while (number < Math.min(positive.length, most) && held < share * whole * ROUNDING) {
      held += relevance[positive[number]];
      number += 1;
    }
    return { chosen: positive.slice(0, number), held, whole };
  }

  // Returns `shown`, 1 for each node that is, `most`, how many of a layer may be, and `share`, how much of the kept relevance these hold.
  function choose(model, share, most) {
    const { data } = model;
    const shown = new Uint8Array(model.count);
    let held = 0;
    let whole = 0;
    model.byRelevance.forEach((nodes, layer) => {
      if (data.layers[layer].depth === 0) {
        for (const node of nodes) shown[node] = 1;
        return;
      }
      const found = enough(nodes, data.relevance, share, most);
      for (const node of found.chosen) shown[node] = 1;
      held += found.held;
      whole += found.whole;
    });
    return { shown, most, share: whole ? held / whole : 0 };
  }

  // How much of the graph is seen, which the number for each layer bounds whatever share is asked for.
  function chosenInWords(model, { most, share }, kernels, { visible, edges }) {
    const { count } = report.format;
    const all = model.count - visible[0].length;
    const seen = `${count(kernels)} of ${count(all)} kernels and ${count(edges.length)} of ${count(model.edgeCount)} connections`;
    return `${seen}: at most ${most} of a layer hold ${Math.round(100 * share)}% of the kept relevance.`;
  }

  Object.assign(graph, { choose, chosenInWords });
})();
