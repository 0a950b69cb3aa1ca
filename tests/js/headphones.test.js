import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { orderOf } from "../../studies/static/studies/js/headphones/listening.js";
import { bandTurned, seeded, soundOf, whiteNoise } from "../../studies/static/studies/js/headphones/stimuli.js";

const RATE_HZ = 8_000; // a second of it has one bin a hertz, like any other
const FIXTURE = JSON.parse(readFileSync(new URL("../data/headphones.json", import.meta.url), "utf8"));

/** Strength and phase of one frequency. @param {Float32Array} samples @param {number} hz */
function bin(samples, hz) {
  let [cosine, sine] = [0, 0];
  for (const [n, sample] of samples.entries()) {
    cosine += sample * Math.cos((2 * Math.PI * hz * n) / RATE_HZ);
    sine += sample * Math.sin((2 * Math.PI * hz * n) / RATE_HZ);
  }
  return { strength: Math.hypot(cosine, sine), phase: Math.atan2(sine, cosine) };
}

/** @param {Float32Array} left @param {Float32Array} right @param {number} hz degrees between the ears, 0 to 180 */
function degreesBetween(left, right, hz) {
  const difference = bin(left, hz).phase - bin(right, hz).phase;
  return Math.abs(Math.atan2(Math.sin(difference), Math.cos(difference))) * (180 / Math.PI);
}

/** @param {Float32Array} samples */
function rms(samples) {
  return Math.sqrt(samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length);
}

test("the orders are those of the server", async () => {
  for (const { seed, attempt, trial, order } of FIXTURE.orders)
    assert.deepEqual((await orderOf(seed, attempt, trial)).order, order);
  assert.equal(FIXTURE.orders.length, 36);
});

test("the target comes first, second and third about equally often", async () => {
  const places = [0, 0, 0];
  for (let trial = 0; trial < 900; trial++) places[(await orderOf("seed", 0, trial)).order.indexOf(0)]++;
  for (const count of places) assert.ok(count > 240 && count < 360, `${places}`);
});

test("a seed gives the same noise again, and another seed another", () => {
  const [once, again, other] = [1, 1, 2].map((seed) => whiteNoise(1_000, seeded(seed)));
  assert.deepEqual(once, again);
  assert.notDeepEqual(once, other);
});

test("noise is white and of a level that frightens nobody", () => {
  const noise = whiteNoise(RATE_HZ, seeded(3));
  assert.ok(Math.abs(rms(noise) - 0.05) < 0.002);
  assert.ok(Math.max(...noise.map(Math.abs)) < 0.35);
  const mean = noise.reduce((sum, sample) => sum + sample, 0) / noise.length;
  assert.ok(Math.abs(mean) < 0.003);
});

test("Huggins pitch: opposite phase from 564 to 636 Hz, and nowhere else", () => {
  const left = whiteNoise(RATE_HZ, seeded(4));
  const right = bandTurned(left, RATE_HZ);
  for (const hz of [564, 580, 600, 620, 636]) assert.ok(degreesBetween(left, right, hz) > 179.9, `${hz} Hz`);
  for (const hz of [100, 500, 563, 637, 700, 3_000]) assert.ok(degreesBetween(left, right, hz) < 0.1, `${hz} Hz`);
});

test("Huggins pitch: one ear alone has nothing to go by", () => {
  const left = whiteNoise(RATE_HZ, seeded(5));
  const right = bandTurned(left, RATE_HZ);
  for (const hz of [550, 564, 600, 636, 650]) {
    const ratio = bin(right, hz).strength / bin(left, hz).strength;
    assert.ok(Math.abs(ratio - 1) < 1e-3, `${hz} Hz: ${ratio}`);
  }
});

test("Huggins pitch: in the air the two ears' band cancels out, for the pitch alone", () => {
  const sum = (/** @type {number} */ sound) => {
    const { left, right } = soundOf("huggins", sound, RATE_HZ, seeded(6));
    return bin(left.map((sample, n) => sample + right[n]), 600).strength / bin(left, 600).strength;
  };
  assert.ok(sum(0) < 0.3);
  assert.ok(Math.abs(sum(1) - 2) < 1e-6);
  assert.ok(Math.abs(sum(2) - 2) < 1e-6);
});

test("antiphase: one tone 6 dB quieter, one with the ears in opposite phase", () => {
  const [quieter, common, opposite] = [0, 1, 2].map((sound) => soundOf("antiphase", sound, RATE_HZ, seeded(7)));
  assert.ok(Math.abs(20 * Math.log10(rms(quieter.left) / rms(common.left)) + 6) < 0.01);
  assert.deepEqual(quieter.left, quieter.right);
  assert.deepEqual(common.left, common.right);
  assert.deepEqual(opposite.left, common.left);
  assert.ok(opposite.left.every((sample, n) => sample + opposite.right[n] === 0));
  assert.ok(bin(common.left, 200).strength > 50 * bin(common.left, 260).strength);
});

for (const method of /** @type {const} */ (["huggins", "antiphase"]))
  test(`${method}: a second long, without a click at either end`, () => {
    const { left, right } = soundOf(method, 0, 44_100, seeded(8));
    assert.deepEqual([left.length, right.length], [44_100, 44_100]);
    for (const ear of [left, right]) {
      assert.equal(Math.abs(ear[0]), 0);
      assert.equal(Math.abs(/** @type {number} */ (ear.at(-1))), 0);
      assert.ok(Math.max(...ear.slice(0, 441).map(Math.abs)) < 0.01);
    }
  });
