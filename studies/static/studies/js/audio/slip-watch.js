const MAX_DRIFT = 0.000_5; // of an honest sound card against the clock it is watched by
const THRESHOLD_MS = 8; // below one block of 10 ms, above the jitter of time stamps
const PERSISTENCE_MS = 500; // longer than a stall that is caught up with

/**
 * Finds audio that never arrived: compares how much was received with a clock that ran meanwhile. Late blocks only
 * lag for a moment; when the lag stays, samples were lost.
 */
export class SlipWatch {
  #baselineMs = NaN; // lowest lag, rising slowly so that drift is not taken for a slip
  #clockMs = NaN;
  #sinceMs = NaN; // when the lag left the baseline
  #excessMs = Infinity; // lowest since then

  /**
   * @param {number} clockMs when the block was captured or arrived, on a clock that never jumps
   * @param {number} receivedMs all audio received so far
   * @returns {number} milliseconds of audio found missing; mostly 0. They went missing about half a second ago.
   */
  note(clockMs, receivedMs) {
    const lagMs = clockMs - receivedMs;
    if (Number.isNaN(this.#clockMs)) this.#baselineMs = lagMs;
    const elapsedMs = clockMs - this.#clockMs || 0;
    this.#clockMs = clockMs;
    const excessMs = lagMs - this.#baselineMs;
    if (excessMs <= THRESHOLD_MS) {
      this.#baselineMs = Math.min(lagMs, this.#baselineMs + MAX_DRIFT * elapsedMs);
      this.#sinceMs = NaN;
      this.#excessMs = Infinity;
      return 0;
    }
    if (Number.isNaN(this.#sinceMs)) this.#sinceMs = clockMs;
    this.#excessMs = Math.min(this.#excessMs, excessMs);
    if (clockMs - this.#sinceMs < PERSISTENCE_MS) return 0;
    const slippedMs = this.#excessMs;
    this.#baselineMs += slippedMs;
    this.#sinceMs = NaN;
    this.#excessMs = Infinity;
    return slippedMs;
  }
}
