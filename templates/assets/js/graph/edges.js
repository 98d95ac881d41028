// The ends and the course of edges.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const graph = (report.graph ??= {});
  const THINNEST = 0.4;

  // Edges leave their node side by side, in the order of where they go, and never take more than its height: `wide`
  // is their width, `at` the height of their middle at either end.
  function ends({ data, count, edgeCount }, { edges, y, size, scale }) {
    const wide = new Float32Array(edgeCount);
    const at = { source: new Float32Array(edgeCount), target: new Float32Array(edgeCount) };
    const total = { source: new Float64Array(count), target: new Float64Array(count) };
    for (const e of edges) {
      wide[e] = Math.max(Math.abs(data.contribution[e]) * scale, THINNEST);
      total.source[data.source[e]] += wide[e];
      total.target[data.target[e]] += wide[e];
    }
    const fitting = (sums) => sums.map((sum, node) => (sum ? Math.min(1, size[node] / sum) : 1));
    const squeeze = { source: fitting(total.source), target: fitting(total.target) };
    for (const [side, other] of [["source", "target"], ["target", "source"]]) {
      const order = [...edges].sort((a, b) => y[data[other][a]] - y[data[other][b]]);
      const used = new Float64Array(count);
      for (const e of order) {
        const node = data[side][e];
        const own = wide[e] * squeeze[side][node];
        const start = y[node] + (size[node] - total[side][node] * squeeze[side][node]) / 2;
        at[side][e] = start + used[node] + own / 2;
        used[node] += own;
      }
    }
    for (const e of edges) {
      const least = Math.min(squeeze.source[data.source[e]], squeeze.target[data.target[e]]);
      wide[e] = Math.max(wide[e] * least, THINNEST);
    }
    return { wide, at };
  }

  // An edge's curve: its two ends, and the middle at which it is steepest.
  function course({ data }, scene, e) {
    const x0 = scene.x[data.target[e]] + graph.NODE_WIDTH;
    const x1 = scene.x[data.source[e]];
    return { x0, y0: scene.at.target[e], middle: (x0 + x1) / 2, y1: scene.at.source[e], x1 };
  }

  Object.assign(graph, { ends, course });
})();
