// Where there is something to hear in a recording, and how it plays without its silences.

/** @typedef {[startSec: number, endSec: number]} Span in order, none touching another */
/** @typedef {Record<string, [startSec: number, durationSec: number][] | null>} Audible by track; null: not known */

const LONGEST_SILENCE_SEC = 1; // Longer ones are left out.
const LEAD_SEC = 0.2; // Speech begins and ends more softly than what counts as audible.
const TRAIL_SEC = 0.3;

/**
 * Returns where at least one of the tracks can be heard; null where that is not known.
 * @param {Audible} audible @param {string[]} kinds of tracks @returns {Span[] | null}
 */
export function spansOf(audible, kinds) {
  const tracks = kinds.map((kind) => audible[kind] ?? null);
  if (tracks.includes(null)) return null;
  const spans = tracks.flatMap((track) => (track ?? []).map(([sec, durationSec]) => span(sec, sec + durationSec)));
  return merged(spans, 0);
}

/**
 * Returns the parts of a recording that are left when its long silences are left out; all of it if there are none.
 * @param {Span[]} spans @param {number} durationSec @returns {Span[]}
 */
export function partsOf(spans, durationSec) {
  const parts = merged(spans, LONGEST_SILENCE_SEC);
  if (parts.length === 0) return [[0, durationSec]];
  return parts.map(([start, end]) => span(Math.max(0, start - LEAD_SEC), Math.min(durationSec, end + TRAIL_SEC)));
}

/** @param {Span[]} spans @returns {number} */
export function lengthOf(spans) {
  return spans.reduce((sum, [start, end]) => sum + end - start, 0);
}

/** Maps a moment of the parts, played one after another, to the whole recording. @param {Span[]} parts @param {number} sec */
export function inWhole(parts, sec) {
  let left = sec;
  for (const [start, end] of parts) {
    if (left <= end - start) return start + left;
    left -= end - start;
  }
  return parts.at(-1)?.[1] ?? 0;
}

/** Maps a moment of the whole recording to the parts; within a silence, to the part after it. @param {Span[]} parts @param {number} sec */
export function inParts(parts, sec) {
  let before = 0;
  for (const [start, end] of parts) {
    if (sec < end) return before + Math.max(0, sec - start);
    before += end - start;
  }
  return before;
}

/** Returns the samples of the parts. @param {Float32Array} samples @param {number} rateHz @param {Span[]} parts */
export function cut(samples, rateHz, parts) {
  const pieces = parts.map(([start, end]) => samples.subarray(Math.round(start * rateHz), Math.round(end * rateHz)));
  const left = new Float32Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    left.set(piece, at);
    at += piece.length;
  }
  return left;
}

/** Joins spans that are at most so far apart. @param {Span[]} spans in any order @param {number} apartSec @returns {Span[]} */
function merged(spans, apartSec) {
  const joined = /** @type {Span[]} */ ([]);
  for (const [start, end] of [...spans].sort(([one], [other]) => one - other)) {
    const last = joined.at(-1);
    if (last !== undefined && start - last[1] <= apartSec) last[1] = Math.max(last[1], end);
    else joined.push([start, end]);
  }
  return joined;
}

/** @param {number} start @param {number} end @returns {Span} */
function span(start, end) {
  return [start, end];
}
