import { SAMPLE_RATE_HZ, toPcm16 } from "../contract/audio.js";
import { LevelGauge } from "../audio/level-gauge.js";
import { Microphone } from "../audio/microphone.js";
import { Capture } from "../audio/capture.js";
import { openSource } from "../audio/capture-source.js";

const LEVEL_SAMPLES = SAMPLE_RATE_HZ / 20;

/** Records a few seconds in the same way as a talk does. The recording is kept only in this page's memory. */
export class SentenceRecorder {
  onLevel = (/** @type {import("../audio/level-gauge.js").Level} */ _level) => {};
  onLeft = (/** @type {number} */ _sec) => {}; // seconds left
  #capture;

  /** @param {import("../audio/microphone.js").CaptureSettings} capture */
  constructor(capture) {
    this.#capture = capture;
  }

  /**
   * @param {number} sec
   * @param {string} [deviceId] default: the system's microphone
   * @returns {Promise<Int16Array<ArrayBuffer>>} at 24 kHz
   * @throws {import("../audio/microphone-problem.js").MicrophoneProblem}
   */
  async record(sec, deviceId) {
    const microphone = await Microphone.open(this.#capture, deviceId);
    const sentence = new Int16Array(sec * SAMPLE_RATE_HZ);
    const gauge = new LevelGauge(LEVEL_SAMPLES);
    let filled = 0;
    let closeSource = () => {};
    try {
      const source = await microphone.source();
      await new Promise((resolve) => {
        microphone.onEnded = () => resolve(null);
        const keep = (/** @type {Float32Array} */ samples) => {
          for (const sample of samples.subarray(0, sentence.length - filled)) sentence[filled++] = toPcm16(sample);
          const level = gauge.push(samples);
          if (level !== null) this.onLevel(level);
          this.onLeft(Math.ceil(sec - filled / SAMPLE_RATE_HZ));
          if (filled >= sentence.length) resolve(null);
        };
        const capture = new Capture({ onAudio: keep, onSlip: () => {} });
        closeSource = openSource(source, (samples, rateHz, clockMs, missing) =>
          capture.push(samples, rateHz, clockMs, missing, performance.now()),
        );
      });
    } finally {
      closeSource();
      microphone.close();
    }
    return sentence.slice(0, filled);
  }
}
