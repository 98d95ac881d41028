import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { wrapped, frameOf, corner, begun, isWithin, onPaper, placed } = load("player/frames.js").frames;

test("frames go round in both directions", () => {
  assert.deepEqual([wrapped(12, 12), wrapped(-1, 12), wrapped(5, 12)], [0, 11, 5]);
});

test("motion, which has one frame fewer, rests on its last; shorter clips begin again", () => {
  assert.equal(frameOf(11, 11, 12), 10);
  assert.equal(frameOf(12, 11, 12), 11);
  assert.equal(frameOf(4, 11, 12), 3);
});

test("a frame lies in its row and column of the sprite", () => {
  assert.deepEqual(corner(0, 8, 24, 32), [0, 0]);
  assert.deepEqual(corner(10, 8, 24, 32), [48, 32]);
});

test("ten frames a second: one is due after 100 ms, and what is late does not shift the rhythm", () => {
  assert.equal(begun(99, 0, 1), null);
  assert.equal(begun(100, 0, 1), 100);
  assert.equal(begun(130, 0, 1), 100);
  assert.equal(begun(1030, 0, 1), 1000);
});

test("at half speed a frame stands twice as long", () => {
  assert.equal(begun(150, 0, 0.5), null);
  assert.equal(begun(210, 0, 0.5), 200);
});

test("a mark is bright from its first to its last frame, in a shorter clip again and again", () => {
  assert.deepEqual([3, 4, 6, 7, 16].map((frame) => isWithin(frame, 12, 4, 6)), [false, true, true, false, true]);
});

test("paper has four frames, the first and the last among them, or all of a shorter clip", () => {
  assert.deepEqual(onPaper(12), [0, 4, 7, 11]);
  assert.deepEqual([onPaper(1), onPaper(2), onPaper(4)], [[0], [0, 1], [0, 1, 2, 3]]);
});

test("a frame fills a box where the sprite lies as far behind it as its column and row say", () => {
  assert.deepEqual(placed(0, 4), { width: "400%", left: "0%", top: "0%" });
  assert.deepEqual(placed(6, 4), { width: "400%", left: "-200%", top: "-100%" });
});
