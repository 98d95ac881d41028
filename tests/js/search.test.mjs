import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { entryOf, parsed, search } = load("search.js").search;

const kernel = (title, motion) => entryOf({ title, what: "kernel", words: "stem.conv Stage 1", motion });
const INDEX = [
  kernel("stem #1", 0.9),
  kernel("stem #2", 0.2),
  entryOf({ title: "Stage 1", what: "layer of Drift", words: "stem.conv" }),
  kernel("stem #3", 0.95),
];
const titles = (query) => search(INDEX, query).map((entry) => entry.title);

test("a filter may be written with spaces, and any number of words stands beside it", () => {
  const { words, filters } = parsed("  Stem motion >= 0.5 ");
  assert.deepEqual(words, ["stem"]);
  assert.deepEqual(filters, [{ sign: ">=", limit: 0.5 }]);
});

test("what is no whole filter is a word", () => {
  assert.deepEqual(parsed("motion>").words, ["motion>"]);
  assert.deepEqual(parsed("motion>0.5x").filters, []);
});

test("every word must be there, and those in the title rank first", () => {
  assert.deepEqual(titles("stem conv"), ["stem #1", "stem #2", "stem #3", "Stage 1"]);
  assert.deepEqual(titles("stage")[0], "Stage 1");
  assert.deepEqual(titles("stem absent"), []);
});

test("a lower limit lists the most first, an upper one the least", () => {
  assert.deepEqual(titles("motion>0.5"), ["stem #3", "stem #1"]);
  assert.deepEqual(titles("motion<0.95"), ["stem #2", "stem #1"]);
});

test("limits are strict unless they say otherwise", () => {
  assert.deepEqual(titles("motion>0.9"), ["stem #3"]);
  assert.deepEqual(titles("motion>=0.9"), ["stem #3", "stem #1"]);
});

test("nothing typed finds nothing", () => {
  assert.deepEqual(titles("   "), []);
});
