import assert from "node:assert/strict";
import { test } from "node:test";

import { Capture, SlipWatch } from "../../studies/static/studies/js/audio/capture.js";
import { CaptureClock } from "../../studies/static/studies/js/talk/capture-clock.js";
import { FrameBacklog, MicrophoneFramer } from "../../studies/static/studies/js/talk/microphone-framer.js";
import { PlaybackReports } from "../../studies/static/studies/js/talk/playback-reports.js";
import { decode } from "../../studies/static/studies/js/contract/wire.js";

/** @param {(framer: MicrophoneFramer) => void} act */
function framesOf(act) {
  const frames = /** @type {{sequence: number, sample: number, pcm: number[]}[]} */ ([]);
  act(new MicrophoneFramer((sequence, sample, pcm) => frames.push({ sequence, sample, pcm: [...pcm] })));
  return frames;
}

/** Samples that are their own number. @param {number} first @param {number} length */
function ramp(first, length) {
  return Float32Array.from({ length }, (_, n) => (first + n) / 32_768);
}

/** @param {number} first @param {number} length */
function numbers(first, length) {
  return Array.from({ length }, (_, n) => first + n);
}

test("audio is cut into numbered frames on the microphone clock", () => {
  const frames = framesOf((framer) => {
    framer.push(ramp(0, 700));
    framer.push(ramp(700, 300));
    assert.equal(framer.position, 1_000);
  });
  assert.deepEqual(frames, [
    { sequence: 0, sample: 0, pcm: numbers(0, 480) },
    { sequence: 1, sample: 480, pcm: numbers(480, 480) },
  ]);
});

test("a slip keeps every later sample in its place", () => {
  const frames = framesOf((framer) => {
    framer.push(ramp(0, 500));
    framer.skip(1_000);
    assert.equal(framer.position, 1_500);
    framer.push(ramp(1_500, 480));
  });
  assert.deepEqual(frames, [
    { sequence: 0, sample: 0, pcm: numbers(0, 480) },
    { sequence: 1, sample: 480, pcm: [...numbers(480, 20), ...new Array(460).fill(0)] },
    { sequence: 2, sample: 1_500, pcm: numbers(1_500, 480) },
  ]);
});

test("a slip shorter than the frame under way is silence in it", () => {
  const [frame] = framesOf((framer) => {
    framer.push(ramp(0, 100));
    framer.skip(50);
    framer.push(ramp(150, 330));
  });
  assert.deepEqual(frame, {
    sequence: 0,
    sample: 0,
    pcm: [...numbers(0, 100), ...new Array(50).fill(0), ...numbers(150, 330)],
  });
});

test("a slip between frames leaves no silence in them", () => {
  const frames = framesOf((framer) => {
    framer.push(ramp(0, 480));
    framer.skip(10);
    framer.push(ramp(490, 480));
  });
  assert.deepEqual(frames[1], { sequence: 1, sample: 490, pcm: numbers(490, 480) });
});

test("muted frames are zeros and the clock goes on", () => {
  const frames = framesOf((framer) => {
    framer.muted = true;
    framer.push(ramp(1, 480));
    framer.muted = false;
    framer.push(ramp(481, 480));
  });
  assert.deepEqual(frames[0], { sequence: 0, sample: 0, pcm: new Array(480).fill(0) });
  assert.deepEqual(frames[1], { sequence: 1, sample: 480, pcm: numbers(481, 480) });
});

test("the backlog gives back what is not acknowledged", () => {
  const backlog = new FrameBacklog(4);
  for (let n = 0; n < 3; n++) backlog.add(Uint8Array.of(n));
  backlog.acknowledge(0);
  assert.deepEqual([0, 1, 2, 3].map((n) => backlog.frame(n)?.[0]), [undefined, 1, 2, undefined]);
  assert.deepEqual([backlog.first, backlog.next], [1, 3]);
});

test("a full backlog loses its oldest", () => {
  const backlog = new FrameBacklog(4);
  for (let n = 0; n < 6; n++) backlog.add(Uint8Array.of(n));
  assert.equal(backlog.first, 2);
  assert.deepEqual([1, 2, 5].map((n) => backlog.frame(n)?.[0]), [undefined, 2, 5]);
});

for (const graceSec of [15, 300])
  test(`the backlog holds ${graceSec} s without a connection, and the 15 s before that were not acknowledged`, () => {
    const backlog = FrameBacklog.forGrace(graceSec * 1_000);
    const frames = (graceSec + 15) * 50; // of 20 ms
    for (let n = 0; n < frames; n++) backlog.add(Uint8Array.of(n % 256));
    assert.equal(backlog.first, 0);
    assert.equal(backlog.frame(0)?.[0], 0);
    backlog.add(Uint8Array.of(0));
    assert.equal(backlog.first, 1);
  });

test("acknowledging more than there is empties the backlog", () => {
  const backlog = new FrameBacklog(4);
  backlog.add(Uint8Array.of(0));
  backlog.acknowledge(9);
  assert.deepEqual([backlog.first, backlog.next], [1, 1]);
});

/** Blocks of 10 ms, each read `lateness(n)` ms late; the sum of the slips. @param {number} count @param {(n: number) => number} lateness */
function slips(count, lateness) {
  const watch = new SlipWatch();
  return Array.from({ length: count }, (_, n) => watch.note((n + 1) * 10 + lateness(n), (n + 1) * 10)).filter(Boolean);
}

test("late blocks that catch up are no slip", () => {
  assert.deepEqual(slips(500, (n) => (n % 50 === 0 ? 40 : 0)), []);
  assert.deepEqual(slips(500, (n) => (n >= 100 && n < 140 ? 10 * (140 - n) : 0)), []);
});

test("lost blocks are a slip, once, of their length", () => {
  assert.deepEqual(slips(500, (n) => (n >= 200 ? 30 : 0)), [30]);
  assert.deepEqual(slips(800, (n) => (n >= 500 ? 50 : n >= 200 ? 30 : 0)), [30, 20]);
});

test("a sound card that drifts does not slip", () => {
  assert.deepEqual(slips(60_000, (n) => n * 10 * 0.000_2), []);
  assert.deepEqual(slips(60_000, (n) => -n * 10 * 0.000_2), []);
});

test("jitter hides no slip", () => {
  const [slip, ...others] = slips(1_000, (n) => ((n * 7) % 5) + (n >= 400 ? 25 : 0));
  assert.ok(Math.abs(slip - 25) <= 1, `${slip}`);
  assert.deepEqual(others, []);
});

/** @returns {{audio: number, slips: [number, string][], capture: Capture}} */
function capturing() {
  const heard = { audio: 0, slips: /** @type {[number, string][]} */ ([]) };
  const capture = new Capture({
    onAudio: (samples) => (heard.audio += samples.length),
    onSlip: (samples, cause) => heard.slips.push([samples, cause]),
  });
  return Object.assign(heard, { capture });
}

test("another microphone at another rate goes on after the time between", () => {
  const heard = capturing();
  for (let n = 1; n <= 100; n++) heard.capture.push(new Float32Array(480), 48_000, n * 10, 0, n * 10);
  heard.capture.changeSource();
  for (let n = 1; n <= 100; n++) heard.capture.push(new Float32Array(160), 16_000, 7 + n * 10, 0, 1_250 + n * 10);
  assert.deepEqual(heard.slips, [[6_000, "source"]]);
  assert.ok(Math.abs(heard.audio - 48_000) < 200, `${heard.audio}`);
});

test("render quanta that were left out are a slip at once", () => {
  const heard = capturing();
  heard.capture.push(new Float32Array(480), 48_000, 10, 0, 10);
  heard.capture.push(new Float32Array(480), 48_000, 25, 256, 25);
  assert.deepEqual(heard.slips, [[128, "quanta"]]);
});

test("the clock follows the blocks that came soonest", () => {
  const clock = new CaptureClock();
  assert.equal(clock.sampleAt(0), null);
  for (let n = 1; n <= 2_000; n++) clock.note(n * 240, 5_000 + n * 10 + (n % 10 === 0 ? 2 : 30));
  assert.equal(clock.sampleAt(5_002 + 1_000), 24_000);
  assert.equal(clock.sampleAt(0), 0);
});

test("every fifth agent frame is reported with what sounds", () => {
  const clock = new CaptureClock();
  clock.note(24_000, 11_000);
  const reports = new PlaybackReports(clock);
  assert.deepEqual([0, 1, 2, 3, 4].map((step) => reports.received(step)), new Array(5).fill(null));
  reports.setOutputClock(10_000);
  reports.note({ began: { step: 7, contextSec: 0.5 }, depth_samples: 1_440, underruns: 1 });
  const sent = [5, 6, 7, 8, 9].map((step) => reports.received(step));
  assert.deepEqual(sent.slice(0, 4), new Array(4).fill(null));
  assert.deepEqual(decode(/** @type {Uint8Array<ArrayBuffer>} */ (sent[4]).buffer), {
    kind: "playback",
    received_step: 9,
    sounding_step: 7,
    sample: 12_000,
    depth_samples: 1_440,
    underruns: 1,
  });
});
