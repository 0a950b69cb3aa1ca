import assert from "node:assert/strict";
import { test } from "node:test";

import { JitterBuffer } from "../../studies/static/studies/js/worklets/jitter-buffer.js";

const QUANTUM = 128;
const FRAME = 1_920;
const START = 4 * QUANTUM; // the safety of 20 ms, in whole quanta

/** Distinct samples in order, so that a wrong one shows. @param {number} step */
function frame(step) {
  return Int16Array.from({ length: FRAME }, (_, n) => ((step * FRAME + n) % 30_000) + 1);
}

/** A tone of 400 Hz, continuous over steps. @param {number} step */
function tone(step) {
  return Int16Array.from({ length: FRAME }, (_, n) =>
    Math.round(12_000 * Math.sin((2 * Math.PI * 400 * (step * FRAME + n)) / 24_000)),
  );
}

/** Plays against a network: frame k arrives when `arrivals[k]` samples were played. */
class Playing {
  output = /** @type {number[]} */ ([]);
  began = /** @type {{step: number, at: number}[]} */ ([]);
  changes = /** @type {string[]} */ ([]);
  buffer = new JitterBuffer((event) => this.changes.push(event.change));

  /** @param {number[]} arrivals @param {number} samples @param {(step: number) => Int16Array} [pcm] */
  run(arrivals, samples, pcm = frame) {
    const block = new Float32Array(QUANTUM);
    for (let step = 0; this.output.length < samples; ) {
      while (step < arrivals.length && arrivals[step] <= this.output.length) this.buffer.push(step, pcm(step++));
      const began = this.buffer.pull(block);
      if (began !== null) this.began.push({ step: began.step, at: this.output.length + began.offset });
      this.output.push(...block);
    }
    return this;
  }
}

/** @param {number} count @param {number} [delay] @param {(step: number) => number} [jitter] */
function everyStep(count, delay = 0, jitter = () => 0) {
  return Array.from({ length: count }, (_, step) => step * FRAME + delay + jitter(step));
}

/** Greatest change from one sample to the next. @param {number[]} samples */
function steepest(samples) {
  return samples.reduce((most, sample, n) => (n === 0 ? 0 : Math.max(most, Math.abs(sample - samples[n - 1]))), 0);
}

/** @param {number[]} samples */
function pcm16(samples) {
  return samples.map((sample) => sample * 32_768);
}

test("samples are copied exactly after the fade-in", () => {
  const playing = new Playing().run(everyStep(50), 40 * FRAME);
  const expected = Array.from({ length: 40 }, (_, step) => [...frame(step)]).flat();
  assert.deepEqual(pcm16(playing.output).slice(START + 64), expected.slice(64, -START));
  assert.deepEqual(playing.changes, ["start"]);
});

test("every step is reported where it begins to sound", () => {
  const playing = new Playing().run(everyStep(20), 10 * FRAME);
  assert.deepEqual(
    playing.began,
    Array.from({ length: 10 }, (_, step) => ({ step, at: START + step * FRAME })),
  );
});

test("nothing sounds below the prefill, nor before the safety has passed", () => {
  const buffer = new JitterBuffer(() => {});
  const block = new Float32Array(QUANTUM).fill(1);
  buffer.push(0, new Int16Array(1_439).fill(9));
  for (let n = 0; n < 10; n++) assert.equal(buffer.pull(block), null);
  assert.deepEqual(block, new Float32Array(QUANTUM));
  buffer.push(1, new Int16Array(1).fill(9));
  for (let n = 0; n < 4; n++) assert.equal(buffer.pull(block), null);
  assert.deepEqual(buffer.pull(block), { step: 0, offset: 0 });
});

test("frames that are a little late cost nothing", () => {
  const playing = new Playing().run(
    everyStep(200, 0, (step) => (step % 3) * 200),
    150 * FRAME,
  );
  assert.deepEqual(playing.changes, ["start"]);
});

test("a late frame is an underrun, dies away, and buys safety", () => {
  const late = 2 * FRAME + 4_800;
  const playing = new Playing().run([0, FRAME, late, late, late], 8 * FRAME);
  assert.deepEqual(playing.changes.slice(0, 3), ["start", "underrun", "start"]);
  const heard = pcm16(playing.output);
  const dry = START + 2 * FRAME;
  assert.equal(heard[dry - 1], frame(1)[FRAME - 1]);
  const silence = heard.slice(dry, late + 7 * QUANTUM);
  assert.ok(silence.every((sample, n) => sample < heard[dry - 1] * 0.951 ** (n + 1)));
  assert.ok(heard.slice(late + 8 * QUANTUM + 64, late + 8 * QUANTUM + 70).every((sample) => sample > 0));
});

test("steady jitter of 100 ms costs a few underruns, then none", () => {
  let seed = 1;
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  let latest = 0;
  const arrivals = everyStep(500, 0, () => random() * 2_400).map((at) => (latest = Math.max(latest, at)));
  const playing = new Playing().run(arrivals, 400 * FRAME);
  const early = new Playing().run(arrivals, 100 * FRAME);
  assert.ok(playing.buffer.underruns <= 4, `${playing.buffer.underruns}`);
  assert.equal(playing.buffer.underruns, early.buffer.underruns);
});

test("surplus delay is played off fast without a gap, then played exactly again", () => {
  const playing = new Playing().run([0, 0, 0, ...everyStep(700, FRAME)], 600 * FRAME);
  assert.deepEqual(playing.changes, ["start", "steer", "steady"]);
  assert.ok(playing.buffer.depth < 3 * FRAME);
  const tail = pcm16(playing.output).slice(-FRAME);
  assert.ok(tail.every((sample, n) => n === 0 || sample === (tail[n - 1] % 30_000) + 1));
});

test("steering bends a tone without a click", () => {
  const playing = new Playing().run([0, 0, 0, ...everyStep(300, FRAME)], 200 * FRAME, tone);
  assert.deepEqual(playing.changes.slice(0, 2), ["start", "steer"]);
  const toneSteepest = 12_000 * 2 * Math.sin((Math.PI * 400) / 24_000);
  assert.ok(steepest(pcm16(playing.output).slice(START + 64)) <= 1.01 * toneSteepest + 2);
});

test("a burst far beyond the safety is jumped over, cross-faded", () => {
  const playing = new Playing().run([0, ...new Array(12).fill(FRAME / 2), ...everyStep(40, FRAME)], 20 * FRAME, tone);
  assert.deepEqual(playing.changes, ["start", "jump"]);
  const toneSteepest = 12_000 * 2 * Math.sin((Math.PI * 400) / 24_000);
  assert.ok(steepest(pcm16(playing.output).slice(START + 64)) <= toneSteepest + 24_000 / 64);
});

test("what arrives while nothing plays does not outgrow the buffer", () => {
  const buffer = new JitterBuffer(() => {});
  for (let step = 0; step < 500; step++) buffer.push(step, frame(step));
  for (let n = 0; n < 4; n++) buffer.pull(new Float32Array(QUANTUM));
  const began = buffer.pull(new Float32Array(QUANTUM));
  assert.deepEqual(began, { step: 498, offset: -(FRAME - 480) });
  assert.equal(buffer.depth, FRAME + 480 - QUANTUM);
});
