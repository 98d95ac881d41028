import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { entryOf, search } = load("search.js").search;

const INDEX = [
  entryOf({ title: "Class pyramid", what: "on dots", words: "stage stem.conv" }),
  entryOf({ title: "Stage 1", what: "layer of Drift", words: "stem.conv" }),
  entryOf({ title: "Wheels", what: "concept", words: "" }),
];
const titles = (...words) => search(INDEX, words).map((entry) => entry.title);

test("every word must be there", () => {
  assert.deepEqual(titles("stem", "dots"), ["Class pyramid"]);
  assert.deepEqual(titles("stem", "absent"), []);
});

test("pages with more of the words in their title rank first", () => {
  assert.deepEqual(titles("stage"), ["Stage 1", "Class pyramid"]);
});

test("titles, what a page is and more words are searched, in any case", () => {
  assert.deepEqual(titles("concept"), ["Wheels"]);
  assert.deepEqual(titles("drift"), ["Stage 1"]);
});

test("nothing asked finds nothing", () => {
  assert.deepEqual(titles(), []);
});
