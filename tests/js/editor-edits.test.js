import assert from "node:assert/strict";
import { test } from "node:test";
import { editsBetween } from "../../studies/static/studies/js/editor/edits.js";

test("nothing changed says nothing, and what is empty is the same as what is not there", () => {
  assert.deepEqual(editsBetween({ a: null, b: [], c: {} }, { a: undefined }), []);
});

test("one changed text is one edit at its path", () => {
  const before = { prompts: [{ key: "a", title: "One" }, { key: "b", title: "Two" }] };
  const after = { prompts: [{ key: "a", title: "One" }, { key: "b", title: "Three" }] };
  assert.deepEqual(editsBetween(before, after), [{ do: "put", path: ["prompts", 1, "title"], value: "Three" }]);
});

test("what was emptied is dropped", () => {
  assert.deepEqual(editsBetween({ note: "x", keys: ["a"] }, { keys: [] }), [
    { do: "drop", path: ["note"] },
    { do: "drop", path: ["keys"] },
  ]);
});

test("items that move, go and come say where they were", () => {
  const [a, b, c] = [{ key: "a" }, { key: "b" }, { key: "c" }];
  assert.deepEqual(editsBetween([a, b], [b, a]), [{ do: "arrange", path: [], items: [1, 0] }]);
  assert.deepEqual(editsBetween([a, b, c], [a, c]), [{ do: "arrange", path: [], items: [0, 2] }]);
  assert.deepEqual(editsBetween([a], [a, { key: "n", note: null, extra: [] }]), [
    { do: "arrange", path: [], items: [0, { value: { key: "n" } }] },
  ]);
});

test("a list that begins is put whole", () => {
  assert.deepEqual(editsBetween({}, { pairs: [{ prompt: "a" }] }), [{ do: "put", path: ["pairs"], value: [{ prompt: "a" }] }]);
});
