import { toPcm16, UPLINK_SAMPLES, UPLINK_MS } from "../contract/audio.js";

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

const UNACKNOWLEDGED_MS = 15_000; // what may not be on disk yet when a connection is found to be lost

/** Encoded microphone frames that are not known to be on disk yet, so that a new connection can be given them. */
export class FrameBacklog {
  #frames;
  #first = 0; // lowest sequence that is held
  #next = 0; // sequence of the next frame to come

  /** @param {number} capacity in frames; beyond it the oldest are lost */
  constructor(capacity) {
    this.#frames = /** @type {(Uint8Array<ArrayBuffer> | undefined)[]} */ (new Array(capacity).fill(undefined));
  }

  /** One that loses nothing while the server waits for the page. @param {number} graceMs how long it does */
  static forGrace(graceMs) {
    return new FrameBacklog(Math.ceil((graceMs + UNACKNOWLEDGED_MS) / UPLINK_MS));
  }

  get first() {
    return this.#first;
  }

  get next() {
    return this.#next;
  }

  /** @param {Uint8Array<ArrayBuffer>} frame whose sequence is `next` */
  add(frame) {
    this.#frames[this.#next++ % this.#frames.length] = frame;
    this.#first = Math.max(this.#first, this.#next - this.#frames.length);
  }

  /** Forget what is on disk. @param {number} sequence the last of it */
  acknowledge(sequence) {
    const end = Math.min(sequence + 1, this.#next);
    for (; this.#first < end; this.#first++) this.#frames[this.#first % this.#frames.length] = undefined;
  }

  /** @param {number} sequence @returns {Uint8Array<ArrayBuffer> | undefined} undefined when it is not held */
  frame(sequence) {
    if (sequence < this.#first || sequence >= this.#next) return undefined;
    return this.#frames[sequence % this.#frames.length];
  }
}
