// The class (0) is fed by 1 and 2 of layer "b"; 3 of "c" feeds 1 strongly and 2 weakly, 4 of "d" feeds 2.
// "c" and "d" are equally far from the class: one column. Kernel 5 of "b" speaks against the class.
export const DATA = {
  title: "t", logit: 3, one: "class", value: "logit",
  layers: [
    { name: "", short: "class", depth: 0 },
    { name: "net.b", short: "b", depth: 1 },
    { name: "net.c", short: "c", depth: 2 },
    { name: "net.d", short: "d", depth: 2 },
  ],
  layer: [0, 1, 1, 2, 3, 1],
  index: [7, 10, 11, 20, 30, 12],
  relevance: [3, 2, 1, 1.5, 0.5, -0.4],
  activation: [null, 1, 1, 1, 1, 1],
  motion: [null, 0, 1, 2, null, 0.5],
  order: [0, 1, 0, 0, 0, 2],
  source: [1, 2, 3, 3, 4],
  target: [0, 0, 1, 2, 2],
  contribution: [2, 1, 1.5, -0.004, 0.5],
  cards: { 1: { sentence: "Moves right.", href: "b/0010.html" } },
};
