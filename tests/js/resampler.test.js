import assert from "node:assert/strict";
import { test } from "node:test";

import { Resampler } from "../../studies/static/studies/js/audio/resampler.js";

const OUTPUT_HZ = 24_000;

/** @param {number} frequencyHz @param {number} rateHz @param {number} length */
function sine(frequencyHz, rateHz, length) {
  return Float32Array.from({ length }, (_, n) => 0.5 * Math.sin((2 * Math.PI * frequencyHz * n) / rateHz + 0.3));
}

/** Feed in blocks of uneven length, as browsers do. @param {Resampler} resampler @param {Float32Array} input */
function feed(resampler, input) {
  /** @type {number[]} */
  const output = [];
  for (let at = 0, n = 1; at < input.length; at += n, n = 1 + ((n * 7) % 509))
    output.push(...resampler.push(input.subarray(at, at + n)));
  return Float32Array.from(output);
}

/** Of `output` against `reference`, leaving the filter's first reach out. @param {Float32Array} reference @param {Float32Array} output */
function snrDb(reference, output) {
  let signal = 0;
  let noise = 0;
  for (let n = 200; n < output.length; n++) {
    signal += reference[n] ** 2;
    noise += (reference[n] - output[n]) ** 2;
  }
  return 10 * Math.log10(signal / noise);
}

for (const rateHz of [8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000])
  test(`tones from ${rateHz} Hz keep their place and shape`, () => {
    for (const share of [0.02, 0.3, 0.85]) {
      const frequencyHz = (share * Math.min(rateHz, OUTPUT_HZ)) / 2;
      const output = feed(new Resampler(rateHz), sine(frequencyHz, rateHz, rateHz));
      const snr = snrDb(sine(frequencyHz, OUTPUT_HZ, OUTPUT_HZ), output);
      assert.ok(snr >= 85, `${frequencyHz} Hz: ${snr.toFixed(1)} dB`);
    }
  });

for (const rateHz of [44_100, 48_000, 96_000])
  test(`what 24 kHz cannot carry does not fold back from ${rateHz} Hz`, () => {
    for (const frequencyHz of [12_100, 15_000, 20_000]) {
      const output = feed(new Resampler(rateHz), sine(frequencyHz, rateHz, rateHz)).subarray(200);
      const peak = output.reduce((highest, sample) => Math.max(highest, Math.abs(sample)), 0);
      const leakDb = 20 * Math.log10(peak / 0.5);
      assert.ok(leakDb <= -80, `${frequencyHz} Hz: ${leakDb.toFixed(1)} dB`);
    }
  });

test("24 kHz passes unchanged but for its look-ahead", () => {
  const input = sine(1_000, OUTPUT_HZ, 4_800);
  const output = new Resampler(OUTPUT_HZ).push(input);
  assert.equal(output.length, 4_800 - 64);
  assert.ok(snrDb(input, output) >= 85);
});

test("block lengths change nothing", () => {
  const input = sine(440, 44_100, 44_100);
  const whole = new Resampler(44_100).push(input);
  assert.deepEqual(feed(new Resampler(44_100), input), whole);
});

test("a minute of 44.1 kHz gain and lose no sample", () => {
  const resampler = new Resampler(44_100);
  const second = new Float32Array(44_100);
  let samples = 0;
  for (let n = 0; n < 60; n++) samples += resampler.push(second).length;
  const lookAhead = Math.ceil((64 * 44_100) / OUTPUT_HZ);
  assert.equal(samples, Math.ceil(((60 * 44_100 - lookAhead) * OUTPUT_HZ) / 44_100));
});

test("refuses a rate that is none", () => {
  assert.throws(() => new Resampler(0), RangeError);
  assert.throws(() => new Resampler(44_100.5), RangeError);
});
