// The ways from a kernel to the class, and the steps of a walk through the graph.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const graph = (report.graph ??= {});
  const LEAST_SHARE = 0.01;

  // Visits each shown edge from `from` towards the class with what it carries of the `carried` part, and whether it is
  // the strongest.
  function eachPassed({ data, feeds }, shown, from, carried, visit) {
    let total = 0;
    let main = -1;
    const size = (e) => Math.abs(data.contribution[e]);
    graph.eachEdge(feeds, from, (e) => {
      if (!shown[data.target[e]]) return;
      total += size(e);
      if (main < 0 || size(e) > size(main)) main = e;
    });
    graph.eachEdge(feeds, from, (e) => {
      if (shown[data.target[e]]) visit(e, (carried * size(e)) / (total || 1), e === main);
    });
  }

  // The kernels and edges on the way from a kernel to the class. What a kernel passes on is shared out among its
  // connections by their size; where not `every` edge is wanted, those that carry less than a hundredth of it are left
  // out, but each kernel's strongest is kept, so that every way ends at the class.
  function paths(model, shown, node, every) {
    const { data, columns, columnOf } = model;
    const nodes = new Set([node]);
    const edges = new Set();
    const carried = new Float64Array(model.count);
    carried[node] = 1;
    const waiting = columns.map(() => []);
    waiting[columnOf(node)].push(node);
    for (let place = columns.length - 1; place > 0; place -= 1) {
      for (const from of waiting[place]) {
        eachPassed(model, shown, from, carried[from], (e, share, isMain) => {
          if (!every && share < LEAST_SHARE && !isMain) return;
          const to = data.target[e];
          edges.add(e);
          carried[to] += share;
          if (!nodes.has(to)) {
            nodes.add(to);
            waiting[columnOf(to)].push(to);
          }
        });
      }
    }
    if (model.isClass(node)) {
      graph.eachEdge(model.fedBy, node, (e) => {
        if (!shown[data.source[e]]) return;
        edges.add(e);
        nodes.add(data.source[e]);
      });
    }
    return { nodes, edges };
  }

  // The other end of a node's strongest shown edge of `table`; the node itself without one.
  function strongest({ data }, shown, table, node, end) {
    let best = -1;
    graph.eachEdge(table, node, (e) => {
      const larger = best < 0 || Math.abs(data.contribution[e]) > Math.abs(data.contribution[best]);
      if (shown[data[end][e]] && larger) best = e;
    });
    return best < 0 ? node : data[end][best];
  }

  // The node that an arrow key leads to: along the strongest edge, or up and down its column. -1 where none is shown.
  function walk(model, shown, visible, node, key) {
    if (node < 0) return visible[0][0] ?? -1;
    if (key === "ArrowLeft") return strongest(model, shown, model.feeds, node, "target");
    if (key === "ArrowRight") return strongest(model, shown, model.fedBy, node, "source");
    const nodes = visible[model.columnOf(node)];
    const at = nodes.indexOf(node) + (key === "ArrowDown" ? 1 : -1);
    return nodes[Math.max(0, Math.min(at, nodes.length - 1))];
  }

  Object.assign(graph, { paths, walk });
})();
