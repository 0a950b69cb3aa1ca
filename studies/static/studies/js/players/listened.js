const PART_SEC = 0.1;
const ENOUGH = 0.9;
const MAX_STEP_SEC = 1.5; // A longer step is a seek. Hidden tabs report about once a second.

/** Records which parts of a recording were played, each counted once, in any order. Only what can be heard counts. */
export class Listened {
  #parts; // 1: still to be played
  #all;
  #count = 0;
  #lastSec = NaN;

  /**
   * @param {number} durationSec
   * @param {import("./audible.js").Span[] | null} [audible] null: all of it
   */
  constructor(durationSec, audible = null) {
    this.#parts = new Uint8Array(Math.max(1, Math.ceil(durationSec / PART_SEC)));
    for (const [startSec, endSec] of audible ?? [[0, Infinity]])
      this.#parts.fill(1, Math.floor(startSec / PART_SEC), Math.ceil(endSec / PART_SEC));
    this.#all = this.#parts.reduce((sum, part) => sum + part, 0);
  }

  get seconds() {
    return this.#count * PART_SEC;
  }

  /** Whether at least nine tenths were played. */
  get enough() {
    return this.#count >= ENOUGH * this.#all;
  }

  /** Must be called repeatedly during playback with its position. @param {number} sec */
  note(sec) {
    const step = sec - this.#lastSec;
    if (step > 0 && step < MAX_STEP_SEC) this.#mark(this.#lastSec, sec);
    this.#lastSec = sec;
  }

  /** Must be called when playback pauses or jumps. */
  interrupt() {
    this.#lastSec = NaN;
  }

  /** @param {number} fromSec @param {number} toSec */
  #mark(fromSec, toSec) {
    const last = Math.min(this.#parts.length - 1, Math.floor(toSec / PART_SEC));
    for (let part = Math.floor(fromSec / PART_SEC); part <= last; part++) {
      this.#count += this.#parts[part];
      this.#parts[part] = 0;
    }
  }
}
