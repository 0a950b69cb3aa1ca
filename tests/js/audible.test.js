import assert from "node:assert/strict";
import { test } from "node:test";

import { cut, inParts, inWhole, lengthOf, partsOf, spansOf } from "../../studies/static/studies/js/players/audible.js";
import { Listened } from "../../studies/static/studies/js/players/listened.js";

/** @typedef {import("../../studies/static/studies/js/players/audible.js").Span} Span */

test("tracks that play together are audible where one of them is", () => {
  const agent = /** @type {[number, number][]} */ ([[5, 2], [20, 1]]);
  const heard = /** @type {[number, number][]} */ ([[1, 3], [6, 4]]);
  assert.deepEqual(spansOf({ agent, heard }, ["agent"]), [[5, 7], [20, 21]]);
  assert.deepEqual(spansOf({ agent, heard }, ["agent", "heard"]), [[1, 4], [5, 10], [20, 21]]);
});

test("where nobody has looked, it is not known what is audible", () => {
  assert.equal(spansOf({ agent: null }, ["agent"]), null);
  assert.equal(spansOf({}, ["agent"]), null);
  assert.deepEqual(spansOf({ agent: [] }, ["agent"]), []);
});

test("silences over a second are left out, shorter ones stay", () => {
  const spans = /** @type {Span[]} */ ([[30, 32], [33, 35], [36.1, 38]]);
  const parts = partsOf(spans, 60);
  assert.deepEqual(parts.map((part) => part.map((sec) => Math.round(10 * sec) / 10)), [[29.8, 35.3], [35.9, 38.3]]);
  assert.ok(Math.abs(lengthOf(parts) - 7.9) < 1e-9);
});

test("a recording begins no earlier and ends no later than it does", () => {
  assert.deepEqual(partsOf([[0.1, 1.9]], 2), [[0, 2]]);
  assert.deepEqual(partsOf([], 2), [[0, 2]]);
});

test("a moment of the parts is one of the whole, and back", () => {
  const parts = /** @type {Span[]} */ ([[10, 12], [20, 23]]);
  assert.deepEqual([0, 1, 2.5, 5, 9].map((sec) => inWhole(parts, sec)), [10, 11, 20.5, 23, 23]);
  assert.deepEqual([0, 11, 15, 20.5, 40].map((sec) => inParts(parts, sec)), [0, 1, 2, 2.5, 5]);
});

test("the samples of the parts are those of the recording", () => {
  const samples = Float32Array.from({ length: 10 }, (_, n) => n);
  assert.deepEqual([...cut(samples, 2, [[1, 2], [3.5, 5]])], [2, 3, 7, 8, 9]);
});

test("only what is audible counts as heard", () => {
  const listened = new Listened(60, [[55, 57], [58, 59]]);
  for (let sec = 0; sec <= 55; sec += 0.25) listened.note(sec);
  assert.ok(listened.seconds <= 0.1, `${listened.seconds}`);
  assert.equal(listened.enough, false);
  for (let sec = 55; sec <= 59; sec += 0.25) listened.note(sec);
  assert.ok(Math.abs(listened.seconds - 3) < 0.21, `${listened.seconds}`);
  assert.equal(listened.enough, true);
});
