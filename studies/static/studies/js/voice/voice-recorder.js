import { SAMPLE_RATE_HZ, toPcm16 } from "../contract/audio.js";
import { LevelGauge } from "../audio/level-gauge.js";
import { Microphone } from "../audio/microphone.js";
import { Capture } from "../audio/capture.js";
import { openSource } from "../audio/capture-source.js";
import { wavOf } from "../audio/wav.js";

const MAX_SEC = 120;
const LEVEL_SAMPLES = SAMPLE_RATE_HZ / 20;
const AS_IT_IS = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

/** Records the microphone as it is, without the browser's processing, which a voice would take on. */
export class VoiceRecorder {
  onLevel = (/** @type {import("../audio/level-gauge.js").Level} */ _level) => {};
  onLength = (/** @type {number} */ _sec) => {};
  onEnd = (/** @type {Blob} */ _wav) => {};
  #parts = /** @type {Int16Array[]} */ ([]);
  #samples = 0;
  #microphone = /** @type {Microphone | null} */ (null);
  #closeSource = () => {};

  get recording() {
    return this.#microphone !== null;
  }

  get deviceId() {
    return this.#microphone?.deviceId ?? "";
  }

  /** @param {string} [deviceId] @throws {import("../audio/microphone-problem.js").MicrophoneProblem} */
  async start(deviceId) {
    const microphone = (this.#microphone = await Microphone.open(AS_IT_IS, deviceId));
    microphone.onEnded = () => this.stop();
    this.#parts = [];
    this.#samples = 0;
    const gauge = new LevelGauge(LEVEL_SAMPLES);
    const capture = new Capture({ onAudio: (samples) => this.#keep(samples, gauge), onSlip: () => {} });
    this.#closeSource = openSource(await microphone.source(), (samples, rateHz, clockMs, missing) =>
      capture.push(samples, rateHz, clockMs, missing, performance.now()),
    );
  }

  stop() {
    if (this.#microphone === null) return;
    this.#closeSource();
    this.#microphone.close();
    this.#microphone = null;
    this.onEnd(wavOf(this.#parts));
  }

  /** @param {Float32Array} samples @param {LevelGauge} gauge */
  #keep(samples, gauge) {
    this.#parts.push(Int16Array.from(samples, toPcm16));
    this.#samples += samples.length;
    const level = gauge.push(samples);
    if (level !== null) this.onLevel(level);
    this.onLength(this.#samples / SAMPLE_RATE_HZ);
    if (this.#samples >= MAX_SEC * SAMPLE_RATE_HZ) this.stop();
  }
}
