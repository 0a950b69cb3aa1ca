import { decibels } from "../audio/level-gauge.js";

const WINDOW_SEC = 0.05;
const SILENT_DB = -60; // Speech below this means that the microphone is muted or the wrong one.
const QUIET_DB = -42; // Speech below this is masked by the noise of the room.
const CLIP_AMPLITUDE = 0.99;
const CLIPPED_TOO_OFTEN = 8; // samples
const MARGIN_DB = 15.9; // Windows down to this far below the active level count as speech: ITU-T P.56, method B.
const HANGOVER_WINDOWS = 4; // 200 ms, also from P.56: gaps between words count as speech, pauses do not.
const LEAST_SNR_DB = -20;

/**
 * @typedef {{samples: Float32Array<ArrayBuffer>, rateHz: number}} Stretch of the microphone, mono
 * @typedef {"ok" | "quiet" | "silent" | "clipping"} LevelVerdict
 * @typedef {object} Measures
 * @property {number} noise_dbfs median level of the silence, which a short noise does not affect
 * @property {number} snr_db how far the level of the sentence, without the noise, is above it
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

/** Returns the mean power of successive windows. An incomplete last one is left out. @param {Stretch} stretch */
export function windowPowers({ samples, rateHz }) {
  const length = Math.round(WINDOW_SEC * rateHz);
  return Array.from({ length: Math.floor(samples.length / length) }, (_, window) => {
    const part = samples.subarray(window * length, (window + 1) * length);
    return part.reduce((energy, sample) => energy + sample * sample, 0) / length;
  });
}

/**
 * Returns the mean power during speech, the active level of ITU-T P.56: the energy of all windows, divided by the
 * number of active ones. A window is active if it is at most MARGIN_DB below this level or in the hangover of one that
 * is.
 * @param {number[]} powers of successive windows, without the noise
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

/** @param {number} clean power of the speech without noise @param {number} noise power */
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

/** Returns the median of values; 0 if there are none. @param {number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

/** @param {number} value */
function tenths(value) {
  return Math.round(10 * value) / 10;
}

// The page's own verdict, which is shown at once. The server repeats it (twin: judge in
// studies/participant/checking/device.py).

/**
 * @typedef {"noise_dbfs" | "snr_db" | "clipped_percent" | "round_trip_ms"} Measured
 * @typedef {Record<Measured, number | null>} Limits null: no threshold
 * @typedef {Record<Measured, number | null> & {microphone: {verdict: string} | null}} Numbers
 * @typedef {Measured | "microphone"} Failure
 */

const AT_LEAST = /** @type {readonly string[]} */ (["snr_db"]);

/**
 * Returns what fails, in the order of the check. A value with a threshold also fails if it could not be measured. A
 * silent microphone fails without a threshold.
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
