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
