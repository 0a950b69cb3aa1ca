import { UPLINK_MS } from "../contract/audio.js";

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
