import { SAMPLES_PER_MS } from "../contract/audio.js";
import { Resampler } from "./resampler.js";

/**
 * @typedef {object} CaptureHandlers
 * @property {(samples: Float32Array) => void} onAudio at 24 kHz
 * @property {(samples: number, cause: "clock" | "source" | "quanta") => void} onSlip samples at 24 kHz that were never
 *   captured: detected by the clock, lost while the source changed, or render quanta that the browser skipped
 */

/** Resamples the blocks of successive microphones to 24 kHz, and reports what is missing between them. */
export class Capture {
  #handlers;
  #resampler = new Resampler(48_000);
  #watch = new SlipWatch();
  #rateHz = 0;
  #receivedMs = 0;
  #endMs = NaN; // when the newest block arrived

  /** @param {CaptureHandlers} handlers */
  constructor(handlers) {
    this.#handlers = handlers;
  }

  /** Announces that the next block comes from another microphone. */
  changeSource() {
    this.#rateHz = 0;
  }

  /**
   * @param {Float32Array} samples mono
   * @param {number} rateHz
   * @param {number} clockMs when it was captured, on a clock of the source's own
   * @param {number} missing samples before it that are known to be missing
   * @param {number} arrivedMs the current time, on one clock for all sources
   */
  push(samples, rateHz, clockMs, missing, arrivedMs) {
    const durationMs = (samples.length * 1_000) / rateHz;
    if (rateHz !== this.#rateHz) this.#begin(rateHz, arrivedMs - durationMs);
    if (missing > 0) this.#slip((missing * 1_000) / rateHz, "quanta");
    this.#receivedMs += durationMs + (missing * 1_000) / rateHz;
    this.#endMs = arrivedMs;
    const slippedMs = this.#watch.note(clockMs, this.#receivedMs);
    if (slippedMs > 0) this.#slip(slippedMs, "clock");
    this.#handlers.onAudio(this.#resampler.push(samples));
  }

  /** @param {number} rateHz @param {number} startMs */
  #begin(rateHz, startMs) {
    const pausedMs = startMs - this.#endMs;
    if (pausedMs > 0) this.#slip(pausedMs, "source");
    this.#rateHz = rateHz;
    this.#resampler = new Resampler(rateHz);
    this.#watch = new SlipWatch();
    this.#receivedMs = 0;
  }

  /** @param {number} slippedMs @param {"clock" | "source" | "quanta"} cause */
  #slip(slippedMs, cause) {
    const samples = Math.round(slippedMs * SAMPLES_PER_MS);
    if (samples > 0) this.#handlers.onSlip(samples, cause);
  }
}

const MAX_DRIFT = 0.000_5; // greatest drift of a working sound card against the clock
const THRESHOLD_MS = 8; // below one block of 10 ms, above the jitter of time stamps
const PERSISTENCE_MS = 500; // longer than a stall after which the late blocks still arrive

/**
 * Detects audio that never arrived, by comparing the amount received with a clock. Late blocks cause a short lag; if it
 * persists, samples were lost.
 */
export class SlipWatch {
  #baselineMs = NaN; // lowest lag; it rises slowly, so that drift is not taken for a slip
  #clockMs = NaN;
  #sinceMs = NaN; // when the lag left the baseline
  #excessMs = Infinity; // lowest excess since then

  /**
   * @param {number} clockMs when the block was captured or arrived, on a monotonic clock
   * @param {number} receivedMs length of all audio received so far
   * @returns {number} milliseconds of audio found missing, usually 0; they were lost about PERSISTENCE_MS ago
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
