import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { barTitles, kept, nameOf, orderOf, parsed, placed, sorted, span, statesOf } = load(
  "format.js", "data.js", "kernels/data.js", "kernels/query.js", "kernels/rows.js", "kernels/parts.js", "kernels/histogram.js",
).kernels;

const LIST = placed({
  layers: [
    { name: "stem.conv", short: "stem", title: "Stem", page: "m/stem/kernels.html", kernels: 3 },
    { name: "head.conv", short: "head", title: "Head", page: "m/head/kernels.html", kernels: 2 },
  ],
  words: ["dots", "moving up"], concepts: ["wheels"], clips: [["a clip", ""]],
  best: [1, 5, 0.01, 3, null], median: [1, 2, 0.02, 1, null], motion: [0.9, 0.2, null, 0.95, null],
  speed: [0.1, 1.5, null, null, null], auroc: [0.9, null, null, 0.99, null],
  state: [8, 2, 4, 16, 1], word: [0, null, null, 1, null], clip: [0, 0, 0, null, null],
  twin: { 1: 7 }, concept: { 3: [0] }, said: { 0: "Responds most to stripes." }, page: { 0: "m/stem/0000.html" }, picture: {},
});

test("kernels are counted over all layers, each with its layer and its index in it", () => {
  assert.equal(LIST.size, 5);
  assert.deepEqual([0, 2, 3, 4].map((place) => nameOf(LIST, place)), ["stem #0", "stem #2", "head #0", "head #1"]);
});

test("figures, states and words are told apart, whatever spaces stand between", () => {
  const asked = parsed(" Motion >= 0.8  speed<0.2 dead duplicate stripes ");
  assert.deepEqual(asked.filters.map(({ name, sign, limit }) => [name, sign, limit]), [["motion", ">=", 0.8], ["speed", "<", 0.2]]);
  assert.equal(asked.bits, 3);
  assert.deepEqual(asked.words, ["stripes"]);
  assert.deepEqual(parsed("motion>").words, ["motion>"], "what is no whole filter is a word");
});

test("every filter must hold, and a kernel without the figure is not kept", () => {
  assert.deepEqual(kept(LIST, "motion>0.5"), [0, 3]);
  assert.deepEqual(kept(LIST, "motion>0.5 speed<0.2"), [0]);
  assert.deepEqual(kept(LIST, "motion>0.9"), [3], "limits are strict unless they say otherwise");
  assert.deepEqual(kept(LIST, "motion>=0.9"), [0, 3]);
  assert.deepEqual(kept(LIST, ""), [0, 1, 2, 3, 4]);
});

test("states keep those that have them", () => {
  assert.deepEqual(kept(LIST, "dead"), [4]);
  assert.deepEqual(kept(LIST, "duplicate"), [1]);
  assert.deepEqual(kept(LIST, "near-silent"), [2]);
  assert.deepEqual(kept(LIST, "pyramid"), [3]);
  assert.deepEqual(kept(LIST, "dead duplicate"), []);
});

test("words are found in names, titles, labels, concepts, headlines and states", () => {
  const found = {
    stem: [0, 1, 2], "head.conv #1": [4], stripes: [0], dots: [0], wheels: [3], "as #7": [1], "a clip": [0, 1, 2], absent: [],
  };
  for (const [query, places] of Object.entries(found)) {
    assert.deepEqual(kept(LIST, query), places, query);
  }
});

test("a layer keeps its own", () => {
  assert.deepEqual(kept(LIST, "motion>0.5", 1), [3]);
});

test("sorting puts unknown figures behind known ones, and near-silent kernels at the end", () => {
  assert.deepEqual(sorted(LIST, [0, 1, 2, 3, 4], "best", true), [1, 3, 0, 4, 2]);
  assert.deepEqual(sorted(LIST, [0, 1, 2, 3, 4], "best", false), [0, 3, 1, 4, 2]);
  assert.deepEqual(sorted(LIST, [2, 3, 1, 0], "index", false), [0, 1, 3, 2]);
});

test("a query orders by its first figure: a lower limit the most first, an upper one the least", () => {
  assert.deepEqual(orderOf(parsed("motion>0.1")), { column: "motion", down: true });
  assert.deepEqual(orderOf(parsed("response<2 motion>0.1")), { column: "best", down: false });
  assert.deepEqual(orderOf(parsed("stem")), { column: "index", down: false });
});

test("what is wrong with a kernel is said, a dead one is not near-silent too", () => {
  assert.deepEqual(statesOf(LIST, 1), ["as #7"]);
  assert.deepEqual(statesOf({ ...LIST, state: [5] }, 0), ["dead"]);
});

test("only the rows in the window are drawn, however long the list", () => {
  const [first, last] = span(400_000, 600, 40, 25_000);
  assert.ok(first <= 10_000 && last >= 10_015 && last - first < 40);
  assert.deepEqual(span(0, 600, 40, 3), [0, 3]);
  assert.deepEqual(span(5_000, 600, 40, 3), [3, 3], "a list that became shorter than the window's place is empty there");
});

test("bars at a cut end say that they hold what lies beyond", () => {
  const counts = [4, 1];
  assert.deepEqual(barTitles({ low: 0, high: 2, counts }), ["0 to 1.00: 4", "1.00 to 2.00: 1"]);
  assert.deepEqual(barTitles({ low: 0, high: 2, counts, less: true, more: true }), ["1.00 or less: 4", "1.00 or more: 1"]);
});
