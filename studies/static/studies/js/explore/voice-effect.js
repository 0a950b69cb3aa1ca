import { translate } from "../i18n.js";

const SAME = 0.05; // a smaller change of pitch is none to speak of

/**
 * Where a pitch lies among speakers: means and ranges of men and women in Traunmüller & Eriksson 1995, of children in
 * Lee, Potamianos & Narayanan 1999.
 * @type {readonly {below: number, says: (values: {own: string, hz: string}) => string}[]}
 */
const RANGES = [
  { below: 75, says: (values) => translate("%(own)s → %(hz)s Hz: deeper than most voices", values) },
  { below: 150, says: (values) => translate("%(own)s → %(hz)s Hz: as many men speak", values) },
  { below: 175, says: (values) => translate("%(own)s → %(hz)s Hz: between most men and most women", values) },
  { below: 260, says: (values) => translate("%(own)s → %(hz)s Hz: as many women speak", values) },
  { below: 400, says: (values) => translate("%(own)s → %(hz)s Hz: child-like for you", values) },
  { below: Infinity, says: (values) => translate("%(own)s → %(hz)s Hz: higher than children speak", values) },
];

/**
 * Says what a voice does to a person, by their pitch in it.
 * @param {number} ownHz @param {number} hz in the voice
 */
export function effectOf(ownHz, hz) {
  if (Math.abs(hz / ownHz - 1) < SAME) return translate("About %(hz)s Hz, your own pitch", { hz: hz.toFixed(0) });
  const range = RANGES.find(({ below }) => hz < below) ?? RANGES[RANGES.length - 1];
  return range.says({ own: ownHz.toFixed(0), hz: hz.toFixed(0) });
}

/**
 * The pitch to be expected of a voice before it was heard: presets change pitch by a ratio, or aim at a pitch.
 * @param {number} ownHz @param {{ratio?: number, targetHz?: number}} voice
 */
export function expectedPitch(ownHz, { ratio, targetHz }) {
  return targetHz ?? ownHz * (ratio ?? 1);
}
