import assert from "node:assert/strict";
import { test } from "node:test";

import { wavOf } from "../../studies/static/studies/js/audio/wav.js";

test("a recording becomes a WAV file of its samples", async () => {
  const file = new DataView(await wavOf([Int16Array.of(1, -2), Int16Array.of(32_767)]).arrayBuffer());
  const text = (/** @type {number} */ at) => String.fromCharCode(...new Uint8Array(file.buffer, at, 4));
  assert.deepEqual([text(0), text(8), text(12), text(36)], ["RIFF", "WAVE", "fmt ", "data"]);
  assert.equal(file.getUint32(4, true), file.byteLength - 8);
  assert.deepEqual([file.getUint16(20, true), file.getUint16(22, true)], [1, 1]); // PCM, mono
  assert.deepEqual([file.getUint32(24, true), file.getUint32(28, true)], [24_000, 48_000]);
  assert.deepEqual([file.getUint16(32, true), file.getUint16(34, true)], [2, 16]);
  assert.equal(file.getUint32(40, true), 6);
  assert.deepEqual([0, 1, 2].map((n) => file.getInt16(44 + 2 * n, true)), [1, -2, 32_767]);
});

test("a recording of nothing is an empty WAV file", () => {
  assert.equal(wavOf([]).size, 44);
});
