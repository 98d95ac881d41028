// Response maps as a page unpacks, orders and slices them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { load } from "./load.mjs";

const { volume } = load("volumes/volume.js");
const facts = { kernels: 3, frames: 2, height: 2, width: 3, columns: 4 };
const tiles = facts.kernels * facts.frames;
const level = (frame, kernel, y, x) => 100 * frame + 30 * kernel + 10 * y + x;

// The picture as the page gives it: tiles of 3 x 2 pixels, four across, RGBA.
function picture() {
  const across = facts.columns * facts.width;
  const pixels = new Uint8ClampedArray(4 * across * facts.height * Math.ceil(tiles / facts.columns));
  for (let tile = 0; tile < tiles; tile++) {
    for (let y = 0; y < facts.height; y++) {
      for (let x = 0; x < facts.width; x++) {
        const row = Math.floor(tile / facts.columns) * facts.height + y;
        const column = (tile % facts.columns) * facts.width + x;
        pixels[4 * (row * across + column)] = level(Math.floor(tile / facts.kernels), tile % facts.kernels, y, x);
      }
    }
  }
  return pixels;
}

const levels = volume.unpacked(picture(), facts);
const order = [2, 0, 1];
const stack = volume.volumeOf(levels, facts, order, 1);

test("a picture is unpacked frame by frame, kernel by kernel, row by row", () => {
  const expected = [];
  for (let t = 0; t < 2; t++) for (let k = 0; k < 3; k++) for (let y = 0; y < 2; y++) for (let x = 0; x < 3; x++) expected.push(level(t, k, y, x));
  assert.deepEqual([...levels], expected);
});

test("a volume has the kernels of one frame in the order asked for", () => {
  order.forEach((kernel, place) => {
    assert.deepEqual([...stack.subarray(place * 6, place * 6 + 6)], [...levels.subarray((3 + kernel) * 6, (4 + kernel) * 6)]);
  });
});

test("slices cut the volume at right angles", () => {
  assert.deepEqual(volume.slice(stack, facts, 3, "map", 1), { levels: stack.slice(6, 12), across: 3, down: 2 });
  const rows = volume.slice(stack, facts, 3, "rows", 2);
  assert.deepEqual([rows.across, rows.down], [3, 2]);
  assert.deepEqual([...rows.levels], [0, 1].flatMap((y) => order.map((kernel) => level(1, kernel, y, 2))));
  const columns = volume.slice(stack, facts, 3, "columns", 1);
  assert.deepEqual([columns.across, columns.down], [3, 3]);
  assert.deepEqual([...columns.levels], [0, 1, 2].flatMap((x) => order.map((kernel) => level(1, kernel, 1, x))));
});

test("a volume that is too deep is the means of neighbours, the last group as it is", () => {
  const deep = Uint8Array.from([10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
  const found = volume.shallower(deep, 5, 3);
  assert.deepEqual([[...found.volume], found.depth, found.group], [[20, 30, 60, 70, 90, 100], 3, 2]);
  assert.equal(volume.shallower(deep, 5, 5).volume, deep);
});

test("the frame of a map is the one that looks nearest", () => {
  const moments = [0.5, 4.5, 8.5, 12.5];
  assert.deepEqual([0, 2, 3, 7, 11, 15].map((frame) => volume.nearest(moments, frame)), [0, 0, 1, 2, 3, 3]);
});

test("levels below the threshold are transparent, and a binarised volume has one colour", () => {
  const colours = Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3));
  assert.deepEqual([...volume.coloured(Uint8Array.from([9, 10]), colours, 10)], [0, 0, 0, 0, 10, 10, 10, 255]);
  assert.deepEqual([...volume.coloured(Uint8Array.from([9, 10]), colours, 10, true)], [0, 0, 0, 0, 255, 255, 255, 255]);
});

test("a value and its level stand for each other, and a value between two levels for the upper one", () => {
  for (const byte of [0, 1, 100, 255]) assert.equal(volume.levelOf(volume.valueOf(byte, -3, 5), -3, 5), byte);
  assert.equal(volume.levelOf(volume.valueOf(100, -3, 5) + 1e-4, -3, 5), 101);
  assert.deepEqual([volume.levelOf(-9, -3, 5), volume.levelOf(9, -3, 5), volume.levelOf(1, 2, 2)], [0, 255, 0]);
});

test("a voxel that is repeated stays where it is", () => {
  const small = Uint8Array.from({ length: 2 * 3 * 4 }, (_, i) => i);
  const large = volume.repeated(small, [2, 3, 4], 3);
  assert.equal(large.length, 6 * 9 * 12);
  for (const [x, y, z] of [[0, 0, 0], [5, 0, 0], [0, 8, 0], [0, 0, 11], [3, 4, 7], [2, 3, 5]]) {
    const [a, b, c] = [x, y, z].map((at) => Math.floor(at / 3));
    assert.equal(large[(z * 9 + y) * 6 + x], small[(c * 3 + b) * 2 + a]);
  }
  assert.deepEqual(volume.repeated(small, [2, 3, 4], 1), small);
});
