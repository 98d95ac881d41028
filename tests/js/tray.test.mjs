import assert from "node:assert/strict";
import test from "node:test";

import { load } from "./load.mjs";

const { choice } = load("tray/choice.js");

test("a link names what is chosen, and gives it back", () => {
  const keys = ["net/a b/0001.html", "net/x&y=z/index.html"];
  assert.deepEqual(choice.parse(choice.link(keys)), keys);
  assert.equal(choice.parse(""), null);
  assert.deepEqual(choice.parse("#with=a&with=a&with=b"), ["a", "b"]);
});

test("what is chosen again is taken out, and there is an end", () => {
  assert.deepEqual(choice.toggled(["a", "b"], "a"), ["b"]);
  assert.deepEqual(choice.toggled(["a"], "c"), ["a", "c"]);
  const many = Array.from({ length: choice.MOST }, (_, i) => String(i));
  assert.equal(choice.toggled(many, "more").length, choice.MOST);
});

test("groups are those that an item shares with others that are not there yet", () => {
  const item = (key, clip, label) => ({ key, kind: "class", groups: [["clip", clip], ["class", label]], pictures: [], figures: [] });
  const index = [item("1", "x", "walk"), item("2", "x", "run"), item("3", "y", "run")];
  assert.deepEqual(choice.groupsOf(index, ["1"]).map((group) => [group.name, group.keys]), [["clip", ["1", "2"]]]);
  assert.deepEqual(choice.groupsOf(index, ["1", "2"]).map((group) => group.value), ["run"]);
  assert.deepEqual(choice.groupsOf(index, []), []);
});

test("rows are the names of all items in the order in which they come", () => {
  const items = [{ figures: [["a", 1], ["b", 2]] }, { figures: [["b", 3], ["c", 4]] }];
  assert.deepEqual(choice.rowsOf(items, "figures"), ["a", "b", "c"]);
});
