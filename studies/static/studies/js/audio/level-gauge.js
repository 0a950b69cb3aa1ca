const FLOOR_DB = -100;

/** @typedef {{rmsDb: number, peakDb: number}} Level in dB of full scale */

/** Measures the level of a stream in windows of equal length. */
export class LevelGauge {
  #windowSamples;
  #count = 0;
  #energy = 0;
  #peak = 0;

  /** @param {number} windowSamples */
  constructor(windowSamples) {
    this.#windowSamples = windowSamples;
  }

  /** @param {Float32Array} samples @returns {Level | null} null until a window is full */
  push(samples) {
    for (const sample of samples) {
      this.#energy += sample * sample;
      this.#peak = Math.max(this.#peak, Math.abs(sample));
    }
    this.#count += samples.length;
    if (this.#count < this.#windowSamples) return null;
    const level = { rmsDb: decibels(Math.sqrt(this.#energy / this.#count)), peakDb: decibels(this.#peak) };
    this.#count = this.#energy = this.#peak = 0;
    return level;
  }
}

/** @param {number} amplitude */
export function decibels(amplitude) {
  return Math.max(FLOOR_DB, 20 * Math.log10(amplitude));
}
