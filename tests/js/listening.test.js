import assert from "node:assert/strict";
import { test } from "node:test";

import { LevelGauge } from "../../studies/static/studies/js/audio/level-gauge.js";
import { Listened } from "../../studies/static/studies/js/players/listened.js";

/** @param {Listened} listened @param {number} from @param {number} to */
function play(listened, from, to) {
  for (let sec = from; sec <= to; sec += 0.25) listened.note(sec);
  listened.interrupt();
}

test("nine tenths in any order are enough", () => {
  const listened = new Listened(10);
  play(listened, 5, 10);
  assert.equal(listened.enough, false);
  play(listened, 0, 4.5);
  assert.equal(listened.enough, true);
});

test("the same part twice counts once", () => {
  const listened = new Listened(10);
  play(listened, 0, 5);
  const once = listened.seconds;
  play(listened, 0, 5);
  assert.equal(listened.seconds, once);
  assert.ok(Math.abs(once - 5) < 0.11);
});

test("a seek is not listening", () => {
  const listened = new Listened(10);
  listened.note(0);
  listened.note(9.9);
  assert.equal(listened.seconds, 0);
});

test("the level of a full window, and silence at the floor", () => {
  const gauge = new LevelGauge(4);
  assert.equal(gauge.push(Float32Array.of(0.5, -0.5)), null);
  const level = gauge.push(Float32Array.of(0.5, -0.5));
  assert.ok(level !== null && Math.abs(level.rmsDb + 6.02) < 0.01 && Math.abs(level.peakDb + 6.02) < 0.01);
  assert.deepEqual(gauge.push(new Float32Array(4)), { rmsDb: -100, peakDb: -100 });
});
