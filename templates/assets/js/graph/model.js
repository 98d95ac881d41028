// A class pyramid as the drawing asks about it: columns of layers, their kernels, and which feeds which.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const graph = (report.graph ??= {});

  // Edges by one of their ends: those of `node` are edges[start[node]] to edges[start[node + 1] - 1].
  function adjacency(ends, count) {
    const start = new Uint32Array(count + 1);
    for (const node of ends) start[node + 1] += 1;
    for (let node = 0; node < count; node += 1) start[node + 1] += start[node];
    const place = start.slice();
    const edges = new Uint32Array(ends.length);
    ends.forEach((node, edge) => {
      edges[place[node]] = edge;
      place[node] += 1;
    });
    return { start, edges };
  }

  function eachEdge(table, node, visit) {
    for (let i = table.start[node]; i < table.start[node + 1]; i += 1) visit(table.edges[i]);
  }

  // A column holds the layers that are equally many steps back from the class, one above the other.
  function columnsOf(layers) {
    return [...new Set(layers.map((layer) => layer.depth))].map((depth) => ({
      depth,
      layers: layers.flatMap((layer, place) => (layer.depth === depth ? [place] : [])),
    }));
  }

  // `data` are the parallel lists of the page's script: layer, index, relevance ... by node, source, target and
  // contribution by edge.
  function model(data) {
    const count = data.layer.length;
    const columns = columnsOf(data.layers);
    const columnOfLayer = new Uint16Array(data.layers.length);
    columns.forEach((column, place) => { for (const layer of column.layers) columnOfLayer[layer] = place; });
    const members = data.layers.map(() => []);
    for (let node = 0; node < count; node += 1) members[data.layer[node]].push(node);
    for (const nodes of members) nodes.sort((a, b) => data.order[a] - data.order[b]);
    const layerOf = (node) => data.layers[data.layer[node]];
    const isClass = (node) => layerOf(node).depth === 0;
    return {
      data,
      count,
      edgeCount: data.source.length,
      columns,
      members,
      byRelevance: members.map((nodes) => [...nodes].sort((a, b) => data.relevance[b] - data.relevance[a])),
      feeds: adjacency(data.source, count),
      fedBy: adjacency(data.target, count),
      isClass,
      columnOf: (node) => columnOfLayer[data.layer[node]],
      nameOf: (node) => (isClass(node) || layerOf(node).mixes ? layerOf(node).short : `${layerOf(node).short} #${data.index[node]}`),
      addressOf: (node) => `${layerOf(node).name}/${data.index[node]}`,
    };
  }

  Object.assign(graph, { model, eachEdge });
})();
