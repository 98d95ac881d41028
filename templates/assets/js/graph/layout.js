// Where everything stands: columns of kernels as high as they are relevant, edges side by side at their ends.
(() => {
  "use strict";

  const report = (globalThis.reportgen ??= {});
  const graph = (report.graph ??= {});
  const { shortened } = report.format;

  const NODE_WIDTH = 12;
  const MARGIN = { left: 14, bottom: 14 };
  const LETTER = 7; // px, about: what stands behind the last column gets room
  const LEAST_RIGHT = 92;
  const MOST_RIGHT = 170;
  const LEAST_COLUMN = 128;
  const LAYER_GAP = 22;
  const HEIGHT = [420, 1100];
  const HEAD = { plain: 46, layered: 62 };

  // The room above the columns and right of the last one, for names.
  function margins({ columns, data }) {
    const names = columns[columns.length - 1].layers.map((layer) => data.layers[layer].short.length * LETTER);
    return {
      head: columns.some((column) => column.layers.length > 1) ? HEAD.layered : HEAD.plain,
      right: Math.min(Math.max(LEAST_RIGHT, Math.max(...names) - NODE_WIDTH), MOST_RIGHT),
    };
  }

  const sum = (nodes, size) => nodes.reduce((total, node) => total + size(node), 0);

  // Space in a column that is no kernel's: `gap` below each, more between its layers.
  function spaces(stack, gap) {
    return gap * sum(stack, (part) => part.nodes.length) + LAYER_GAP * (stack.length - 1);
  }

  // One scale for all columns, px per unit of relevance, so that equal heights are equal relevance.
  function heights(stacks, relevance, head) {
    const all = stacks.map((stack) => stack.flatMap((part) => part.nodes));
    const most = Math.max(...all.map((nodes) => nodes.length), 1);
    const deepest = Math.max(...stacks.map((stack) => stack.length));
    const height = Math.min(Math.max(HEIGHT[0], head + MARGIN.bottom + most * 17 + deepest * LAYER_GAP), HEIGHT[1]);
    const room = height - head - MARGIN.bottom;
    const gap = Math.min(10, (room * 0.55) / most);
    const scales = stacks.map((stack, i) => {
      const whole = sum(all[i], (node) => Math.abs(relevance[node]));
      return whole ? Math.max(room - spaces(stack, gap), room / 4) / whole : Infinity;
    });
    return { height, room, gap, scale: Math.min(...scales) };
  }

  // Places `shown` kernels in a room of `room` px; see `ends` for the edges.
  function layout(model, shown, room) {
    const { data, columns, count } = model;
    const { head, right } = margins(model);
    const visibleOf = (layer) => model.members[layer].filter((node) => shown[node]);
    const stacks = columns.map((column) => column.layers.map((layer) => ({ layer, nodes: visibleOf(layer) })));
    const width = Math.max(room, MARGIN.left + right + LEAST_COLUMN * (columns.length - 1) + NODE_WIDTH);
    const step = (width - MARGIN.left - right - NODE_WIDTH) / Math.max(columns.length - 1, 1);
    const { height, room: rows, gap, scale } = heights(stacks, data.relevance, head);
    const [x, y, size] = [new Float64Array(count), new Float64Array(count), new Float64Array(count)];
    const labels = [];
    stacks.forEach((stack, place) => {
      const left = MARGIN.left + place * step;
      for (const { nodes } of stack) for (const node of nodes) size[node] = Math.max(Math.abs(data.relevance[node]) * scale, 2);
      const total = sum(stack, ({ nodes }) => sum(nodes, (node) => size[node])) + spaces(stack, gap);
      let at = head + Math.max(0, (rows - total) / 2);
      for (const { layer, nodes } of stack) {
        const { short, name } = data.layers[layer];
        if (stack.length > 1 && nodes.length) labels.push({ place, text: short, name, x: left, y: at - 9 });
        for (const node of nodes) {
          x[node] = left;
          y[node] = at;
          at += size[node] + gap;
        }
        at += LAYER_GAP;
      }
    });
    const edges = [];
    for (let e = 0; e < model.edgeCount; e += 1) if (shown[data.source[e]] && shown[data.target[e]]) edges.push(e);
    const visible = stacks.map((stack) => stack.flatMap((part) => part.nodes));
    const scene = { room, visible, labels, width, height, right, step, x, y, size, scale, gap, edges };
    return { ...scene, ...graph.ends(model, scene) };
  }

  // The node under a point, or -1: near its column, and as high as it is.
  function nodeAt(scene, px, py) {
    const place = Math.round((px - MARGIN.left - NODE_WIDTH / 2) / scene.step);
    const away = Math.abs(px - MARGIN.left - place * scene.step - NODE_WIDTH / 2);
    if (place < 0 || place >= scene.visible.length || away > 60) return -1;
    const covers = (node) => py >= scene.y[node] - 2 && py <= scene.y[node] + scene.size[node] + 2;
    return scene.visible[place].find(covers) ?? -1;
  }

  // A name that fits its column.
  function fitting(model, scene, text, place) {
    const room = place === model.columns.length - 1 ? scene.right + NODE_WIDTH : scene.step;
    return shortened(text, Math.max(10, Math.floor(room / LETTER)));
  }

  // The two lines above a column.
  function heading(model, scene, place) {
    const { depth, layers } = model.columns[place];
    const text = layers.length > 1 ? `${layers.length} layers` : model.data.layers[layers[0]].short;
    return [fitting(model, scene, text, place), depth === 0 ? model.data.one : `${depth} back`];
  }

  Object.assign(graph, { NODE_WIDTH, MARGIN, layout, nodeAt, fitting, heading });
})();
