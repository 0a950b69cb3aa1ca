import { SAMPLES_PER_MS } from "../contract/audio.js";

const WINDOW_MS = 5_000;

/**
 * Which microphone sample belongs to a moment. Blocks arrive late by a varying time, never early, so the least delay
 * seen in the last 5 to 10 s is the clock.
 */
export class CaptureClock {
  #offsetMs = Infinity; // wall time of sample 0: least in this window
  #previousMs = Infinity; // and in the one before
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
