import { translate } from "../i18n.js";

const FLOOR_DB = -60;
const QUIET_DB = -36;
const LOUD_DB = -3;
const SPOKEN_EVERY_MS = 1_000; // Screen readers cannot follow a value that changes 20 times a second.
const DECAY_DB = 3; // per update: the bar falls more slowly than it rises

/** A level bar: `<div class="meter" role="meter" aria-label="…">`. */
export class Meter {
  #element;
  #shownDb = FLOOR_DB;
  #spokenMs = -Infinity;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
    element.ariaValueMin = String(FLOOR_DB);
    element.ariaValueMax = "0";
    this.show({ rmsDb: FLOOR_DB, peakDb: FLOOR_DB });
  }

  /** @param {import("./level-gauge.js").Level} level */
  show({ peakDb }) {
    const db = Math.max(FLOOR_DB, Math.min(0, peakDb));
    this.#shownDb = Math.max(db, this.#shownDb - DECAY_DB);
    this.#element.style.setProperty("--level", String(1 - this.#shownDb / FLOOR_DB));
    const nowMs = performance.now();
    if (nowMs - this.#spokenMs < SPOKEN_EVERY_MS) return;
    this.#spokenMs = nowMs;
    this.#element.ariaValueNow = this.#shownDb.toFixed(0);
    this.#element.ariaValueText = inWords(this.#shownDb);
  }

  clear() {
    this.#shownDb = FLOOR_DB;
    this.show({ rmsDb: FLOOR_DB, peakDb: FLOOR_DB });
  }
}

/** @param {number} db */
function inWords(db) {
  if (db <= FLOOR_DB) return translate("silent");
  if (db < QUIET_DB) return translate("quiet");
  return db < LOUD_DB ? translate("good") : translate("very loud");
}
