import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { worth, compare, ordered, ranked } = load("sorting.js").sorting;

test("cells are numbers as the pages write them", () => {
  assert.equal(worth("1\u202f234"), 1234);
  assert.equal(worth("−5"), -5);
  assert.equal(worth("25%"), 25);
  assert.equal(worth("–"), "–");
  assert.equal(worth(""), "");
});

test("numbers come before words, and words count", () => {
  assert.deepEqual(["conv10", 3, "conv2", -1].sort(compare), [-1, 3, "conv2", "conv10"]);
});

test("rows of equal worth stay as they stand, up and down", () => {
  const rows = [{ n: 2, id: "a" }, { n: 1, id: "b" }, { n: 2, id: "c" }];
  const ids = (down) => ordered(rows, (row) => row.n, down).map((row) => row.id).join("");
  assert.equal(ids(false), "bac");
  assert.equal(ids(true), "acb");
});

test("cards without the figure come last, in the order of their index", () => {
  const cards = [{ index: "3" }, { index: "2", speed: "1" }, { index: "1" }, { index: "4", speed: "5" }];
  const order = (down) => [...cards].sort(ranked((card) => card, "speed", down)).map((card) => card.index).join("");
  assert.equal(order(true), "4213");
  assert.equal(order(false), "2413");
});
