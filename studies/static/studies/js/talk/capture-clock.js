import { SAMPLES_PER_MS } from "../contract/audio.js";

const WINDOW_MS = 5_000;

/**
 * Maps moments to microphone samples. Blocks arrive with a varying delay but never early, so the smallest delay of the
 * last 5 to 10 s determines the clock.
 */
export class CaptureClock {
  #offsetMs = Infinity; // earliest estimate of the wall-clock time of sample 0 in this window
  #previousMs = Infinity; // the same in the previous window
  #windowEndMs = -Infinity;

  /**
   * @param {number} sample place of the next sample on the microphone clock
   * @param {number} wallMs when the block before it was captured
   */
  note(sample, wallMs) {
    if (wallMs >= this.#windowEndMs) {
      this.#previousMs = this.#offsetMs;
      this.#offsetMs = Infinity;
      this.#windowEndMs = wallMs + WINDOW_MS;
    }
    this.#offsetMs = Math.min(this.#offsetMs, wallMs - sample / SAMPLES_PER_MS);
  }

  /** @param {number} wallMs @returns {number | null} null before anything was captured */
  sampleAt(wallMs) {
    const offsetMs = Math.min(this.#offsetMs, this.#previousMs);
    if (offsetMs === Infinity) return null;
    return Math.max(0, Math.round((wallMs - offsetMs) * SAMPLES_PER_MS));
  }
}
