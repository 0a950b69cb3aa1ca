import { decibels } from "../audio/level-gauge.js";

const WINDOW_SEC = 0.05;
const SILENT_DB = -60; // nothing but a muted or wrong microphone
const QUIET_DB = -42; // speech below it drowns in the room
const CLIP_AMPLITUDE = 0.99;
const CLIPPED_TOO_OFTEN = 8; // samples
const MARGIN_DB = 15.9; // speech counts down to so far below its own level: ITU-T P.56, method B
const HANGOVER_WINDOWS = 4; // 200 ms, likewise: a gap between words is part of speech, a pause is not
const LEAST_SNR_DB = -20;

/**
 * @typedef {{samples: Float32Array<ArrayBuffer>, rateHz: number}} Stretch of the microphone, mono
 * @typedef {"ok" | "quiet" | "silent" | "clipping"} LevelVerdict
 * @typedef {object} Measures
 * @property {number} noise_dbfs median level of the silence: a creak or a cough does not count
 * @property {number} snr_db how far the sentence stands above that, the noise in it taken out
 * @property {number} clipped_percent samples of the sentence at full scale
 * @property {{speech_db: number, clipped_samples: number, verdict: LevelVerdict}} microphone
 */

/** @param {Stretch} silence @param {Stretch} sentence @returns {Measures} */
export function measure(silence, sentence) {
  const noise = median(windowPowers(silence));
  const clean = activePower(windowPowers(sentence).map((power) => Math.max(0, power - noise)));
  const clipped_samples = sentence.samples.filter((sample) => Math.abs(sample) >= CLIP_AMPLITUDE).length;
  const speech_db = powerDb(clean + noise);
  return {
    noise_dbfs: tenths(powerDb(noise)),
    snr_db: tenths(snrDb(clean, noise)),
    clipped_percent: Math.round((100_000 * clipped_samples) / Math.max(1, sentence.samples.length)) / 1_000,
    microphone: { speech_db: tenths(speech_db), clipped_samples, verdict: verdictOf(speech_db, clipped_samples) },
  };
}

/** Mean power of one window after the other; a rest too short for one is left out. @param {Stretch} stretch */
export function windowPowers({ samples, rateHz }) {
  const length = Math.round(WINDOW_SEC * rateHz);
  return Array.from({ length: Math.floor(samples.length / length) }, (_, window) => {
    const part = samples.subarray(window * length, (window + 1) * length);
    return part.reduce((energy, sample) => energy + sample * sample, 0) / length;
  });
}

/**
 * Mean power while there is speech, the active level of ITU-T P.56: that of all windows, over those that are at most a
 * margin below it and a hangover behind each of them.
 * @param {number[]} powers one after another, without noise
 */
export function activePower(powers) {
  const margin = 10 ** (-MARGIN_DB / 10);
  const energy = powers.reduce((sum, power) => sum + power, 0);
  const loudestFirst = powers.map((power, window) => ({ power, window })).sort((a, b) => b.power - a.power);
  const active = new Set();
  let level = 0;
  for (const { power, window } of loudestFirst) {
    if (power < level * margin) break;
    for (let next = window; next <= window + HANGOVER_WINDOWS && next < powers.length; next++) active.add(next);
    level = energy / active.size;
  }
  return level;
}

/** @param {number} clean power of the speech alone @param {number} noise power */
function snrDb(clean, noise) {
  return powerDb(Math.max(clean, 10 ** (LEAST_SNR_DB / 10) * noise)) - powerDb(noise);
}

/** @param {number} speechDb @param {number} clippedSamples @returns {LevelVerdict} */
function verdictOf(speechDb, clippedSamples) {
  if (clippedSamples >= CLIPPED_TOO_OFTEN) return "clipping";
  if (speechDb < SILENT_DB) return "silent";
  return speechDb < QUIET_DB ? "quiet" : "ok";
}

/** @param {number} power never below the floor of `decibels` */
function powerDb(power) {
  return decibels(Math.sqrt(power));
}

/** @param {number[]} values 0 when there are none */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** @param {number} value */
function tenths(value) {
  return Math.round(10 * value) / 10;
}

// The page's own judgement, for an answer at once; the server judges again (twin: judge in studies/participant/checking/device.py).

/**
 * @typedef {"noise_dbfs" | "snr_db" | "clipped_percent" | "round_trip_ms"} Measured
 * @typedef {Record<Measured, number | null>} Limits null: measured, not judged
 * @typedef {Record<Measured, number | null> & {microphone: {verdict: string} | null}} Numbers
 * @typedef {Measured | "microphone"} Failure
 */

const AT_LEAST = /** @type {readonly string[]} */ (["snr_db"]);

/**
 * What fails, in the order of the check. A value with a threshold that could not be measured fails; so does a
 * microphone that gave nothing, threshold or not.
 * @param {Numbers} numbers
 * @param {Limits} limits
 * @returns {Failure[]}
 */
export function judge(numbers, limits) {
  const silent = numbers.microphone === null || numbers.microphone.verdict === "silent";
  const measured = /** @type {Measured[]} */ (["noise_dbfs", "snr_db", "clipped_percent", "round_trip_ms"]);
  return [...(silent ? /** @type {const} */ (["microphone"]) : []), ...measured.filter((name) => fails(name))];

  /** @param {Measured} name */
  function fails(name) {
    const [value, limit] = [numbers[name], limits[name]];
    if (limit === null) return false;
    return value === null || (AT_LEAST.includes(name) ? value < limit : value > limit);
  }
}
