import { toPcm16, UPLINK_SAMPLES } from "../contract/audio.js";

/**
 * Cuts 24 kHz audio into numbered frames and keeps the take's microphone clock. A slip makes the clock jump: what is
 * left of the frame under way becomes silence, and the next frame stands later, so that every sample keeps its place.
 */
export class MicrophoneFramer {
  muted = false; // frames of zeros; the clock keeps running
  #emit;
  #frame = new Int16Array(UPLINK_SAMPLES);
  #filled = 0;
  #sequence = 0;
  #sample = 0; // place of #frame[0] on the microphone clock

  /** @param {(sequence: number, sample: number, pcm: Int16Array) => void} emit gets each frame once, to keep */
  constructor(emit) {
    this.#emit = emit;
  }

  /** Place of the next sample on the microphone clock. */
  get position() {
    return this.#sample + this.#filled;
  }

  /** @param {Float32Array} samples at 24 kHz */
  push(samples) {
    for (const sample of samples) this.#append(this.muted ? 0 : toPcm16(sample));
  }

  /** Leave out what was never captured. @param {number} samples at 24 kHz */
  skip(samples) {
    const padding = this.#filled === 0 ? 0 : Math.min(samples, UPLINK_SAMPLES - this.#filled);
    for (let n = 0; n < padding; n++) this.#append(0);
    this.#sample += samples - padding;
  }

  /** @param {number} sample 16-bit */
  #append(sample) {
    this.#frame[this.#filled++] = sample;
    if (this.#filled < UPLINK_SAMPLES) return;
    this.#emit(this.#sequence++, this.#sample, this.#frame);
    this.#frame = new Int16Array(UPLINK_SAMPLES);
    this.#sample += UPLINK_SAMPLES;
    this.#filled = 0;
  }
}
