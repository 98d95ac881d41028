import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { plain, fixed, shortened } = load("format.js").format;

test("numbers have three digits, a real minus, and powers of ten where they are extreme", () => {
  assert.equal(plain(3.14159), "3.14");
  assert.equal(plain(-0.5), "−0.500");
  assert.equal(plain(0), "0");
  assert.equal(plain(12345678), "1.23·10⁷");
  assert.equal(plain(12345), "12\u202f345");
  assert.equal(plain(-0.00012345), "−1.23·10⁻⁴");
});

test("what is not known is a dash, whatever is asked of it", () => {
  assert.deepEqual([plain(null), plain(undefined), fixed(null, 2)], ["–", "–", "–"]);
});

test("a fixed number of digits keeps its minus readable", () => {
  assert.equal(fixed(-0.126, 2), "−0.13");
  assert.equal(fixed(-0.001, 2), "0.00");
});

test("long names are cut to the room that they have", () => {
  assert.equal(shortened("abcdef", 6), "abcdef");
  assert.equal(shortened("abcdefg", 6), "abcde…");
});
