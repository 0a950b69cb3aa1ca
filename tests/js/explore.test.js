import assert from "node:assert/strict";
import { test } from "node:test";
import { quietestAt } from "../../studies/static/studies/js/explore/microphone-check.js";
import { effectOf, expectedPitch } from "../../studies/static/studies/js/explore/voice-effect.js";

test("a voice is described by what it does to this person", () => {
  assert.equal(effectOf(195, expectedPitch(195, { ratio: 1.7 })), "195 → 332 Hz: child-like for you");
  assert.equal(effectOf(110, expectedPitch(110, { ratio: 1.7 })), "110 → 187 Hz: as many women speak");
  assert.equal(effectOf(195, expectedPitch(195, { ratio: 0.59 })), "195 → 115 Hz: as many men speak");
  assert.equal(effectOf(110, 160), "110 → 160 Hz: between most men and most women");
  assert.equal(effectOf(110, expectedPitch(110, { ratio: 0.59 })), "110 → 65 Hz: deeper than most voices");
  assert.equal(effectOf(250, expectedPitch(250, { ratio: 1.7 })), "250 → 425 Hz: higher than children speak");
});

test("a preset that aims at a pitch reaches it from wherever one starts", () => {
  assert.equal(effectOf(110, expectedPitch(110, { targetHz: 260 })), "110 → 260 Hz: child-like for you");
  assert.equal(effectOf(255, expectedPitch(255, { targetHz: 260 })), "About 260 Hz, your own pitch");
});

test("a voice without a change of pitch keeps it", () => {
  assert.equal(effectOf(195, expectedPitch(195, {})), "About 195 Hz, your own pitch");
});

test("the background is the quietest stretch, and needs enough sound to be found", () => {
  assert.equal(quietestAt([1, 1, 1, 1, 1]), null);
  assert.equal(quietestAt([9, 9, 0, 0, 0, 0, 0, 0, 9]), 2);
});
