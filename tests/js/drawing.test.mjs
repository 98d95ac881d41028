import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";
import { DATA } from "./pyramid.mjs";

const { graph } = load(
  "format.js", "graph/model.js", "graph/colours.js", "graph/density.js", "graph/card.js", "graph/link.js",
);
const MODEL = graph.model(DATA);
const close = (a, b) => assert.ok(Math.abs(a - b) < 1e-3, `${a} is not ${b}`);

const PALETTE = { excites: "blue", inhibits: "red", other: "grey", still: "green", moving: "orange", unknown: "none", ink: "black" };
const mix = (a, b) => (t) => `${a} ${b} ${t}`;

test("colours tell the sign, and inhibition only when it is asked for", () => {
  const quiet = graph.colours(MODEL, PALETTE, { byMotion: false, negative: false }, mix);
  assert.deepEqual([quiet.edge(0), quiet.edge(3)], ["blue", "grey"]);
  assert.equal(graph.colours(MODEL, PALETTE, { byMotion: false, negative: true }, mix).edge(3), "red");
  assert.deepEqual([0, 1, 5].map(quiet.node), ["black", "blue", "red"]);
});

test("by motion they run from still to moving, within their ends, and are apart where nothing was measured", () => {
  const moving = graph.colours(MODEL, PALETTE, { byMotion: true, negative: false }, mix);
  assert.deepEqual([1, 2, 3, 4].map(moving.node), ["green orange 0", "green orange 1", "green orange 1", "none"]);
});

test("poured ink is as much as the curve is long and wide, and falls where the curve goes", () => {
  const ink = new Float32Array(100 * 40);
  graph.pour(ink, 100, 40, { x0: 10, y0: 20.5, dx: 80, dy: 0 }, 0.5, 1e6);
  close(ink.reduce((sum, value) => sum + value, 0) / 40, 1);
  assert.ok(ink.subarray(0, 1900).every((value) => value === 0), "nothing above its row");
});

test("ink outside of the picture is lost and harms nothing", () => {
  const ink = new Float32Array(10 * 10);
  graph.pour(ink, 10, 10, { x0: -50, y0: -50, dx: 20, dy: 20 }, 1, 1e6);
  assert.ok(ink.every((value) => value === 0));
});

test("more ink covers more, up to the whole pixel, in its own colour", () => {
  const pixels = new Float64Array(8);
  graph.blend(pixels, new Float32Array([100, 0.1]), [10, 20, 30]);
  assert.deepEqual([...pixels.slice(0, 4)], [10, 20, 30, 255]);
  assert.ok(pixels[7] > 20 && pixels[7] < 30);
  graph.blend(pixels, new Float32Array([100, 0]), [200, 0, 0]);
  close(pixels[0], 200);
});

test("a card says what is known of a kernel, and that it was not visualised where it was not", () => {
  assert.equal(graph.figures(MODEL, 0), "logit 3.00");
  assert.equal(graph.figures(MODEL, 5), "relevance −0.400, activation 1.00");
  assert.deepEqual(graph.remarks(MODEL, 1), ["motion reliance 0.00", "Moves right."]);
  assert.deepEqual(graph.remarks(MODEL, 4), ["motion reliance not measured", "Not among the kernels that this run visualised."]);
  assert.deepEqual(graph.remarks(MODEL, 0), []);
});

test("a card stands beside its kernel and within the stage", () => {
  const card = { width: 200, height: 300 };
  const stage = { width: 900, height: 500 };
  assert.deepEqual(graph.cardPlace({ left: 100, y: 50, nodeWidth: 12 }, card, stage), [164, 50]);
  assert.deepEqual(graph.cardPlace({ left: 800, y: 450, nodeWidth: 12 }, card, stage), [592, 196]);
  assert.deepEqual(graph.cardPlace({ left: 10, y: 0, nodeWidth: 12 }, card, { width: 150, height: 200 }), [4, 4]);
});

test("a link restores what it was made of, whatever a layer is called", () => {
  const state = { share: "60", top: "4", negative: true, byMotion: true, kernel: "s4.<img src=x>|{{7*7}}&#/12" };
  const link = graph.linkOf(state);
  assert.ok(link.startsWith("#share=60&top=4&inhibition=1&colour=motion&kernel="));
  const { byMotion, ...rest } = state;
  assert.equal(byMotion, true);
  assert.deepEqual(graph.stateOf(link), { ...rest, colour: "motion" });
});

test("what is not set is not in the link", () => {
  const link = graph.linkOf({ share: "100", top: "12", negative: false, byMotion: false, kernel: "" });
  assert.equal(link, "#share=100&top=12");
  assert.deepEqual(graph.stateOf(link), { share: "100", top: "12", negative: false, colour: null, kernel: "" });
});

test("a link to a part of the page restores nothing", () => {
  assert.equal(graph.stateOf("#numbers"), null);
  assert.equal(graph.stateOf(""), null);
});
