import assert from "node:assert/strict";
import { test } from "node:test";

import { judge, activePower, measure, windowPowers } from "../../studies/static/studies/js/check/measures.js";
import { toneAndText } from "../../studies/static/studies/js/check/measures-view.js";
import { microphoneKind } from "../../studies/static/studies/js/audio/microphone.js";
import { Recorder } from "../../studies/static/studies/js/check/microphone-check.js";
import { seeded } from "../../studies/static/studies/js/headphones/stimuli.js";

const RATE_HZ = 48_000;

/** A square wave: its level in dB of full scale is that of its amplitude. @param {number} db @param {number} sec */
function at(db, sec) {
  const amplitude = 10 ** (db / 20);
  return Float32Array.from({ length: sec * RATE_HZ }, (_, n) => (n % 2 ? amplitude : -amplitude));
}

/** @param {Float32Array[]} parts */
function stretch(...parts) {
  return { samples: Float32Array.from(parts.flatMap((part) => [...part])), rateHz: RATE_HZ };
}

/** @param {() => number} random uniform */
function gaussian(random) {
  return Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
}

/** @param {number} found @param {number} expected @param {number} within */
function assertNear(found, expected, within) {
  assert.ok(Math.abs(found - expected) <= within, `${found} is not within ${within} of ${expected}`);
}

test("noise, and how far a sentence stands above it", () => {
  const found = measure(stretch(at(-60, 3)), stretch(at(-60, 1), at(-25, 2)));
  assertNear(found.noise_dbfs, -60, 0.1);
  assertNear(found.microphone.speech_db, -25, 0.1);
  assertNear(found.snr_db, 35, 0.1);
  assert.equal(found.clipped_percent, 0);
  assert.equal(found.microphone.verdict, "ok");
});

test("a pause in a sentence makes it no quieter, but for the hangover behind the last word", () => {
  const fluent = measure(stretch(at(-60, 1)), stretch(at(-25, 4)));
  const halting = measure(stretch(at(-60, 1)), stretch(at(-25, 2), at(-60, 6)));
  const hangoverDb = 10 * Math.log10(2.2 / 2);
  assertNear(fluent.microphone.speech_db - halting.microphone.speech_db, hangoverDb, 0.15);
});

for (const snrDb of [0, 5, 10, 20, 30, 40])
  test(`a known ratio of ${snrDb} dB is found again, at any level`, () => {
    const noise = seeded(snrDb + 1);
    for (const speechDb of [-20, -35]) {
      const noisy = (/** @type {Float32Array} */ clean) =>
        clean.map((sample) => sample + gaussian(noise) * 10 ** ((speechDb - snrDb) / 20));
      const words = Array.from({ length: 8 }, () => [at(speechDb + 10 * Math.log10(4 / 3), 0.3), at(-200, 0.1)]).flat();
      const found = measure(stretch(noisy(at(-200, 3))), stretch(noisy(stretch(...words).samples)));
      assertNear(found.snr_db, snrDb, 1);
      assertNear(found.noise_dbfs, speechDb - snrDb, 0.3);
    }
  });

test("a slammed door in the silence is not its noise, a fan is", () => {
  assertNear(measure(stretch(at(-60, 2), at(-10, 0.5), at(-60, 0.5)), stretch(at(-25, 1))).noise_dbfs, -60, 0.1);
  assertNear(measure(stretch(at(-40, 3)), stretch(at(-25, 1))).noise_dbfs, -40, 0.1);
});

test("the noise within the sentence is taken out", () => {
  const { snr_db } = measure(stretch(at(-30, 1)), stretch(at(-30 + 10 * Math.log10(2), 1)));
  assertNear(snr_db, 0, 0.1);
});

test("a sentence no louder than the room has the lowest ratio there is", () => {
  assertNear(measure(stretch(at(-30, 1)), stretch(at(-30, 1))).snr_db, -20, 0.1);
});

for (const { verdict, db } of [
  { verdict: "quiet", db: -50 },
  { verdict: "silent", db: -80 },
  { verdict: "clipping", db: 0 },
])
  test(`a microphone that is ${verdict}`, () => {
    assert.equal(measure(stretch(at(-90, 1)), stretch(at(db, 1))).microphone.verdict, verdict);
  });

test("clipping is a share of the sentence", () => {
  const found = measure(stretch(at(-60, 1)), stretch(at(-20, 0.75), at(0, 0.25)));
  assert.equal(found.clipped_percent, 25);
  assert.equal(found.microphone.clipped_samples, 12_000);
});

test("a microphone that gave nothing is silent, and every number is finite", () => {
  const nothing = { samples: new Float32Array(0), rateHz: 0 };
  assert.deepEqual(measure(nothing, nothing), {
    noise_dbfs: -100,
    snr_db: 0,
    clipped_percent: 0,
    microphone: { speech_db: -100, clipped_samples: 0, verdict: "silent" },
  });
});

test("windows are of 50 ms, and a rest is left out", () => {
  const powers = windowPowers(stretch(at(-20, 0.12)));
  assert.equal(powers.length, 2);
  assertNear(powers[0], 0.01, 1e-6);
});

test("activity reaches 15.9 dB below its own level and 200 ms further, and no further", () => {
  const quiet = (/** @type {number} */ db, /** @type {number} */ windows) => Array(windows).fill(10 ** (db / 10));
  const loud = Array(20).fill(1);
  assertNear(activePower([...loud, ...quiet(-15, 20)]), (20 + 20 * 10 ** -1.5) / 40, 1e-9);
  assertNear(activePower([...loud, ...quiet(-25, 20)]), (20 + 20 * 10 ** -2.5) / 24, 1e-9);
  assert.equal(activePower([]), 0);
});

const LIMITS = { noise_dbfs: -50, snr_db: 20, clipped_percent: 1, round_trip_ms: 300 };
const GOOD = { noise_dbfs: -50, snr_db: 20, clipped_percent: 1, round_trip_ms: 300, microphone: { verdict: "ok" } };

test("what is at its threshold passes", () => {
  assert.deepEqual(judge(GOOD, LIMITS), []);
});

test("each value fails on its own side", () => {
  assert.deepEqual(judge({ ...GOOD, noise_dbfs: -49.9 }, LIMITS), ["noise_dbfs"]);
  assert.deepEqual(judge({ ...GOOD, snr_db: 19.9 }, LIMITS), ["snr_db"]);
  assert.deepEqual(judge({ ...GOOD, clipped_percent: 1.1 }, LIMITS), ["clipped_percent"]);
  assert.deepEqual(judge({ ...GOOD, round_trip_ms: 301 }, LIMITS), ["round_trip_ms"]);
});

test("what could not be measured fails where there is a threshold", () => {
  const unlimited = { noise_dbfs: null, snr_db: null, clipped_percent: null, round_trip_ms: null };
  assert.deepEqual(judge({ ...GOOD, round_trip_ms: null }, LIMITS), ["round_trip_ms"]);
  assert.deepEqual(judge({ ...unlimited, microphone: GOOD.microphone }, unlimited), []);
  assert.deepEqual(judge({ ...unlimited, microphone: null }, unlimited), ["microphone"]);
  assert.deepEqual(judge({ ...GOOD, microphone: { verdict: "silent" } }, unlimited), ["microphone"]);
});

for (const [label, kind] of [
  ["Anna’s AirPods Pro", "bluetooth"],
  ["Headset (WH-1000XM4 Hands-Free AG Audio)", "bluetooth"],
  ["Plantronics USB Headset", "headset"],
  ["Yeti Stereo Microphone", "usb"],
  ["MacBook Pro Microphone", "built-in"],
  ["Eingebautes Mikrofon", "built-in"],
  ["Fake Default Audio Input", "virtual"],
  ["Line 1", "other"],
  ["", "unknown"],
])
  test(`“${label}” is ${kind}`, () => assert.equal(microphoneKind(label), kind));

/** A microphone whose blocks the test sends. */
function fakeSource() {
  const { port1, port2 } = new MessageChannel();
  let frame = 0;
  const send = (/** @type {Float32Array} */ samples) => {
    port1.postMessage({ frame, samples });
    frame += samples.length;
  };
  return { source: { method: /** @type {const} */ ("worklet"), port: port2, rateHz: 1_000 }, send };
}

test("a recording lasts as long as it was asked for, in whole blocks", async () => {
  const { source, send } = fakeSource();
  const recorder = new Recorder(source);
  const recording = recorder.record(0.2);
  for (let block = 0; block < 4; block++) send(new Float32Array(128).fill(block));
  const { samples, rateHz } = await recording;
  assert.equal(rateHz, 1_000);
  assert.deepEqual([samples.length, samples[0], samples[255]], [256, 0, 1]);
  recorder.close();
});

test("a recording can be ended early, by hand and by a microphone that goes", async () => {
  const { source, send } = fakeSource();
  const recorder = new Recorder(source);
  const heard = new Promise((resolve) => (recorder.onLevel = resolve));
  const byHand = recorder.record(60);
  send(new Float32Array(100));
  await heard;
  recorder.finish();
  assert.equal((await byHand).samples.length, 100);
  const gone = recorder.record(60);
  recorder.close();
  assert.equal((await gone).samples.length, 0);
});

const MENDING = { microphone: "no sound", noise_dbfs: "too loud", snr_db: "hardly stands out", clipped_percent: "cut off", round_trip_ms: "too far" };

/** @param {number} snr_db @param {"ok" | "quiet" | "silent" | "clipping"} [verdict] */
function measured(snr_db, verdict = "ok") {
  return { noise_dbfs: -30, snr_db, clipped_percent: 0, microphone: { speech_db: -30, clipped_samples: 0, verdict } };
}

for (const { snrDb, tone } of [
  { snrDb: -6, tone: "warning" },
  { snrDb: 9.9, tone: "warning" },
  { snrDb: 10, tone: "success" },
  { snrDb: 30, tone: "success" },
])
  test(`a voice ${snrDb} dB above the noise, in a study without limits, is a ${tone}`, () => {
    const said = toneAndText(measured(snrDb), [], { mending: MENDING, onFail: "warn" });
    assert.deepEqual(said, tone === "warning" ? [tone, MENDING.snr_db] : [tone, "Your microphone works well."]);
  });

test("what is worse is said first", () => {
  assert.deepEqual(toneAndText(measured(-6, "silent"), [], { mending: MENDING, onFail: "warn" }), ["error", "no sound"]);
  assert.equal(toneAndText(measured(-6), ["snr_db"], { mending: MENDING, onFail: "block" })[0], "error");
});
