import assert from "node:assert/strict";
import { test } from "node:test";

import { encodeAudio } from "../../studies/static/studies/js/contract/wire.js";
import { holdsSpeech } from "../../studies/static/studies/js/talk/unheard-speech.js";

const FRAME_MS = 20;

/** Frames of 20 ms at a level in dB of full scale. @param {number} db @param {number} ms */
function at(db, ms) {
  const amplitude = 32_767 * 10 ** (db / 20);
  const pcm = Int16Array.from({ length: 480 }, (_, n) => (n % 2 ? amplitude : -amplitude));
  return Array.from({ length: ms / FRAME_MS }, (_, n) => encodeAudio("participant", n, 480 * n, pcm.slice()));
}

test("a question in a cut of eight seconds was not heard", () => {
  assert.equal(holdsSpeech([...at(-60, 3_000), ...at(-25, 2_000), ...at(-60, 3_000)]), true);
  assert.equal(holdsSpeech([...at(-90, 1_000), ...at(-30, 300), ...at(-90, 1_000)]), true);
});

test("silence, steady noise and a cough need not be repeated", () => {
  assert.equal(holdsSpeech(at(-90, 8_000)), false);
  assert.equal(holdsSpeech(at(-35, 8_000)), false);
  assert.equal(holdsSpeech([...at(-60, 3_000), ...at(-20, 200), ...at(-60, 3_000)]), false);
  assert.equal(holdsSpeech([]), false);
});

test("what was said just before the connection was back still reaches the machine", () => {
  assert.equal(holdsSpeech([...at(-60, 2_000), ...at(-25, 200)]), false);
  assert.equal(holdsSpeech([...at(-60, 2_000), ...at(-25, 500)]), true);
});
