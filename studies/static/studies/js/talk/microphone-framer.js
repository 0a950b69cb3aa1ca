import { toPcm16, UPLINK_SAMPLES, UPLINK_MS } from "../contract/audio.js";

/**
 * Cuts 24 kHz audio into numbered frames and keeps the take's microphone clock. After a slip the clock jumps: the rest
 * of the current frame is filled with silence, and the next frame is placed later, so that all samples keep their
 * places.
 */
export class MicrophoneFramer {
  muted = false; // While muted, frames contain zeros and the clock keeps running.
  #emit;
  #frame = new Int16Array(UPLINK_SAMPLES);
  #filled = 0;
  #sequence = 0;
  #sample = 0; // place of #frame[0] on the microphone clock

  /** @param {(sequence: number, sample: number, pcm: Int16Array) => void} emit gets each frame once and may keep it */
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

  /** Skips samples that were never captured. @param {number} samples at 24 kHz */
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

const UNACKNOWLEDGED_MS = 15_000; // audio that may not be on disk yet when a lost connection is noticed

/** Holds encoded microphone frames that are not known to be on disk yet, so that a new connection can send them. */
export class FrameBacklog {
  #frames;
  #first = 0; // lowest sequence that is held
  #next = 0; // sequence of the next frame to come

  /** @param {number} capacity in frames; beyond it the oldest are lost */
  constructor(capacity) {
    this.#frames = /** @type {(Uint8Array<ArrayBuffer> | undefined)[]} */ (new Array(capacity).fill(undefined));
  }

  /** Creates a backlog that loses nothing while the server waits. @param {number} graceMs how long it waits */
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

  /** Drops frames that are on disk. @param {number} sequence of the last of them */
  acknowledge(sequence) {
    const end = Math.min(sequence + 1, this.#next);
    for (; this.#first < end; this.#first++) this.#frames[this.#first % this.#frames.length] = undefined;
  }

  /** @param {number} sequence @returns {Uint8Array<ArrayBuffer> | undefined} undefined if it is not held */
  frame(sequence) {
    if (sequence < this.#first || sequence >= this.#next) return undefined;
    return this.#frames[sequence % this.#frames.length];
  }

  /** Returns all frames that are held from a sequence on. @param {number} sequence at least `first` */
  from(sequence) {
    return Array.from({ length: Math.max(0, this.#next - sequence) }, (_, n) => this.frame(sequence + n)).filter(
      (frame) => frame !== undefined,
    );
  }
}
