import { decibels } from "../level-gauge.js";

const SILENT_DB = -60; // nothing but a muted or wrong microphone
const QUIET_DB = -42; // speech below it drowns in the room
const CLIP_AMPLITUDE = 0.99;
const CLIPPED_TOO_OFTEN = 8; // samples
const SPEECH_SHARE = 0.8; // of the windows, sorted by level: where speech is, when a person speaks about half the time
const NOISE_SHARE = 0.1;

/** @typedef {"ok" | "quiet" | "silent" | "clipping"} Verdict */

/** Judges a few seconds of speech by their windows of about 50 ms. */
export class LevelCheck {
  #levels = /** @type {number[]} */ ([]);
  #clipped = 0;

  /** @param {Float32Array} samples one window @returns {import("../level-gauge.js").Level} */
  push(samples) {
    let energy = 0;
    let peak = 0;
    for (const sample of samples) {
      const amplitude = Math.abs(sample);
      energy += sample * sample;
      peak = Math.max(peak, amplitude);
      if (amplitude >= CLIP_AMPLITUDE) this.#clipped++;
    }
    const rmsDb = decibels(Math.sqrt(energy / samples.length));
    this.#levels.push(rmsDb);
    return { rmsDb, peakDb: decibels(peak) };
  }

  result() {
    const sorted = [...this.#levels].sort((a, b) => a - b);
    const at = (/** @type {number} */ share) => sorted[Math.floor(share * (sorted.length - 1))];
    const speech_db = at(SPEECH_SHARE);
    return { speech_db, noise_db: at(NOISE_SHARE), clipped_samples: this.#clipped, verdict: this.#judge(speech_db) };
  }

  /** @param {number} speechDb @returns {Verdict} */
  #judge(speechDb) {
    if (this.#clipped >= CLIPPED_TOO_OFTEN) return "clipping";
    if (speechDb < SILENT_DB) return "silent";
    return speechDb < QUIET_DB ? "quiet" : "ok";
  }
}
