import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";
import { DATA } from "./pyramid.mjs";

const { graph } = load(
  "format.js", "graph/model.js", "graph/choose.js", "graph/layout.js", "graph/edges.js", "graph/paths.js",
);
const MODEL = graph.model(DATA);
const ALL = graph.choose(MODEL, 1, 99).shown;
const at = (kind, node) => {
  const found = [];
  graph.eachEdge(MODEL[kind], node, (edge) => found.push(edge));
  return found;
};
const close = (a, b) => assert.ok(Math.abs(a - b) < 1e-3, `${a} is not ${b}`);

test("layers that are equally far from the class share a column", () => {
  assert.deepEqual(MODEL.columns.map((column) => column.layers), [[0], [1], [2, 3]]);
  assert.deepEqual([0, 1, 3, 4].map(MODEL.columnOf), [0, 1, 2, 2]);
});

test("kernels stand in the document's order, and edges are found from both of their ends", () => {
  assert.deepEqual(MODEL.members[1], [2, 1, 5]);
  assert.deepEqual(at("feeds", 3), [2, 3]);
  assert.deepEqual(at("fedBy", 2), [3, 4]);
  assert.deepEqual(at("fedBy", 3), []);
});

test("a kernel is named by its layer and number, the class by its label", () => {
  assert.deepEqual([MODEL.nameOf(3), MODEL.nameOf(0), MODEL.addressOf(3)], ["c #20", "class", "net.c/20"]);
});

test("the most relevant kernels are shown, up to a number in each layer; the class always is", () => {
  assert.deepEqual([...graph.choose(MODEL, 1, 1).shown], [1, 1, 0, 1, 1, 0]);
  assert.deepEqual([...ALL], [1, 1, 1, 1, 1, 0], "a kernel against the class is not among them");
});

test("what is seen is told with the number of kernels that bounds it", () => {
  const chosen = graph.choose(MODEL, 1, 1);
  const scene = { visible: [[0], [1], [3, 4]], edges: [0, 1] };
  assert.match(
    graph.chosenInWords(MODEL, chosen, 3, scene),
    /^3 of 5 kernels and 2 of \d connections: at most 1 of a layer hold \d+% of the kept relevance\.$/,
  );
});

test("numbers of kernels that are next to nothing stand under each other and under their layer's name", () => {
  const thin = 12;
  const layers = ["a", "b"].map((short) => ({ short, name: short, depth: 1 }));
  const nodes = Array.from({ length: 2 * thin }, (_, i) => i + 1);
  const data = {
    layers: [{ short: "class", name: "class", depth: 0 }, ...layers],
    layer: [0, ...nodes.map((i) => (i <= thin ? 1 : 2))],
    index: [0, ...nodes], order: [0, ...nodes], relevance: [1, ...nodes.map(() => 1e-4)],
    source: [], target: [], contribution: [],
  };
  const model = graph.model(data);
  const scene = graph.layout(model, new Uint8Array(model.count).fill(1), 600);
  const middles = scene.visible[1].map((node) => scene.y[node] + scene.size[node] / 2);
  for (let i = 1; i < middles.length; i += 1) assert.ok(middles[i] - middles[i - 1] >= 11.5, `${middles[i] - middles[i - 1]} px`);
  scene.labels.forEach((label, i) => assert.ok(middles[i * thin] - label.y >= 9, "a line of 11 px has its baseline 4 px below its middle"));
});

test("a share of the relevance is reached with as few kernels as can be, and told", () => {
  const { shown, share } = graph.choose(MODEL, 0.5, 99);
  assert.deepEqual([...shown], [1, 1, 0, 1, 1, 0]);
  close(share, 4 / 5);
  assert.equal(graph.choose(MODEL, 1, 99).share, 1);
});

test("heights are in proportion to relevance, on one scale for all columns", () => {
  const { size } = graph.layout(MODEL, ALL, 900);
  close(size[1] / size[2], 2);
  close(size[3] / size[4], 3);
  close(size[0] / size[1], 1.5);
});

test("nothing overlaps, and everything stands within the picture", () => {
  const scene = graph.layout(MODEL, ALL, 900);
  for (const nodes of scene.visible) {
    nodes.reduce((bottom, node) => {
      assert.ok(scene.y[node] >= bottom);
      return scene.y[node] + scene.size[node];
    }, 0);
  }
  assert.ok([0, 1, 2, 3, 4].every((n) => scene.y[n] + scene.size[n] <= scene.height && scene.x[n] + graph.NODE_WIDTH <= scene.width));
  assert.deepEqual(scene.labels.map((label) => label.text), ["c", "d"], "layers that share a column are named in it");
});

test("a column stands in the middle of the room below its heading", () => {
  const short = graph.layout(MODEL, graph.choose(MODEL, 1, 1).shown, 900);
  const [above, below] = [short.y[3] - 62, short.height - 14 - short.y[4] - short.size[4]];
  assert.ok(Math.abs(above - below) <= 10, `${above} px above, ${below} px below`);
  assert.ok(short.y[4] - short.y[3] - short.size[3] >= 22, "the name of the second layer has room");
});

test("a narrow room scrolls instead of squeezing its columns", () => {
  const { width, step } = graph.layout(MODEL, ALL, 100);
  assert.ok(width > 100);
  assert.equal(step, 128);
});

test("edges never take more of a kernel than its height", () => {
  const scene = graph.layout(MODEL, ALL, 900);
  for (const [side, node] of [["target", 0], ["source", 3], ["target", 2]]) {
    const own = scene.edges.filter((e) => DATA[side][e] === node);
    for (const e of own) {
      assert.ok(scene.at[side][e] - scene.wide[e] / 2 >= scene.y[node] - 0.5);
      assert.ok(scene.at[side][e] + scene.wide[e] / 2 <= scene.y[node] + scene.size[node] + 0.5);
    }
    assert.ok(own.reduce((sum, e) => sum + scene.wide[e], 0) <= scene.size[node] + 0.5);
  }
});

test("edges leave in the order of where they go, so that none cross at their end", () => {
  const scene = graph.layout(MODEL, ALL, 900);
  assert.equal(scene.y[2] < scene.y[1], scene.at.target[1] < scene.at.target[0]);
});

test("a point finds its kernel, and none between columns", () => {
  const scene = graph.layout(MODEL, ALL, 900);
  assert.equal(graph.nodeAt(scene, scene.x[3] + 5, scene.y[3] + scene.size[3] / 2), 3);
  assert.equal(graph.nodeAt(scene, scene.x[3] - scene.step / 2, scene.y[3]), -1);
  assert.equal(graph.nodeAt(scene, -500, 0), -1);
});

test("the paths of a kernel lead to the class through what it feeds, and nowhere else", () => {
  const { nodes, edges } = graph.paths(MODEL, ALL, 3, true);
  assert.deepEqual([...nodes].sort(), [0, 1, 2, 3]);
  assert.deepEqual([...edges].sort(), [0, 1, 2, 3]);
});

test("in large graphs what carries less than a hundredth is left out, but not a kernel's strongest", () => {
  const { nodes } = graph.paths(MODEL, ALL, 3, false);
  assert.deepEqual([...nodes].sort(), [0, 1, 3]);
});

test("where all carry less, each kernel's strongest still leads to the class", () => {
  const many = [...Array(150).keys()];
  const wide = graph.model({
    layers: DATA.layers.slice(0, 3),
    layer: [0, ...many.map(() => 1), 2],
    order: [0, ...many, 0],
    relevance: Array(152).fill(1),
    source: [...many.map((i) => i + 1), ...many.map(() => 151)],
    target: [...many.map(() => 0), ...many.map((i) => i + 1)],
    contribution: Array(300).fill(0.1),
  });
  const { nodes } = graph.paths(wide, new Uint8Array(152).fill(1), 151, false);
  assert.deepEqual([...nodes], [151, 1, 0]);
});

test("the class lights what feeds it", () => {
  assert.deepEqual([...graph.paths(MODEL, ALL, 0, true).nodes].sort(), [0, 1, 2]);
});

test("what is not shown is on no path and on no walk", () => {
  const { shown } = graph.choose(MODEL, 0.5, 99); // without kernel 2
  assert.deepEqual([...graph.paths(MODEL, shown, 4, true).nodes], [4]);
  assert.equal(graph.walk(MODEL, shown, graph.layout(MODEL, shown, 900).visible, 4, "ArrowLeft"), 4);
});

test("arrow keys walk along the strongest edge and along the column", () => {
  const { visible } = graph.layout(MODEL, ALL, 900);
  const walk = (node, key) => graph.walk(MODEL, ALL, visible, node, key);
  assert.equal(walk(-1, "ArrowRight"), 0);
  assert.equal(walk(0, "ArrowRight"), 1);
  assert.equal(walk(1, "ArrowLeft"), 0);
  assert.equal(walk(2, "ArrowDown"), 1);
  assert.equal(walk(1, "ArrowDown"), 1, "the column's last");
});
