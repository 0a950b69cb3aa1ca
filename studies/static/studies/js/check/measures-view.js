import { language, translate } from "../i18n.js";

const LEAST_CLEAR_DB = 10; // With less, speech is hard to understand for people and for machines.

/**
 * @typedef {object} Row
 * @property {import("./measures.js").Measured} name
 * @property {number | null} value
 * @property {boolean} failed
 * @property {string} mend
 */

/** Shows the measured values, one line each. A line that failed says how to fix it. */
export class MeasuresView {
  #list;

  /** @param {HTMLElement} list a `<ul>` */
  constructor(list) {
    this.#list = list;
  }

  /** @param {Row[]} rows */
  show(rows) {
    this.#list.replaceChildren(...rows.map(line));
    this.#list.hidden = rows.length === 0;
  }
}

/** @param {Row} row */
function line({ name, value, failed, mend }) {
  const item = document.createElement("li");
  item.className = failed ? "measure measure--failed" : "measure";
  item.dataset.measure = name;
  const label = document.createElement("span");
  label.textContent = labelOf(name);
  const judged = document.createElement("b");
  judged.textContent = value === null ? translate("not measured") : inWords(name, value);
  item.append(label, judged);
  if (failed) {
    const help = document.createElement("p");
    help.textContent = mend;
    item.append(help);
  }
  return item;
}

/** @param {import("./measures.js").Measured} name */
function labelOf(name) {
  const labels = {
    noise_dbfs: translate("Background noise"),
    snr_db: translate("Your voice above the background noise"),
    clipped_percent: translate("Distorted sound"),
    round_trip_ms: translate("To the server and back"),
  };
  return labels[name];
}

const QUIET_ROOM_DBFS = -60;
const LOUD_ROOM_DBFS = -40;
const CLEAR_DB = 20;
const HARDLY_CUT_PERCENT = 0.1;

/** Says what a value means; levels in decibels tell participants nothing. @param {import("./measures.js").Measured} name @param {number} value */
function inWords(name, value) {
  switch (name) {
    case "noise_dbfs":
      if (value <= QUIET_ROOM_DBFS) return translate("quiet");
      return value <= LOUD_ROOM_DBFS ? translate("moderate") : translate("loud");
    case "snr_db":
      if (value < LEAST_CLEAR_DB) return translate("hard to make out");
      return value < CLEAR_DB ? translate("clear enough") : translate("very clear");
    case "clipped_percent":
      if (value === 0) return translate("none");
      return value <= HARDLY_CUT_PERCENT ? translate("hardly any") : translate("too much");
    case "round_trip_ms":
      return `${value.toLocaleString(language(), { maximumFractionDigits: 0 })} ms`;
  }
}

/**
 * Returns the message about the microphone. A voice that hardly stands out from the noise is warned of whatever the
 * study asks for.
 * @param {import("./measures.js").Measures} measures
 * @param {import("./measures.js").Failure[]} failed
 * @param {Pick<import("./check.js").CheckConfig, "mending" | "onFail">} config
 * @returns {[tone: string, text: string]}
 */
export function toneAndText({ microphone: { verdict }, snr_db }, failed, { mending, onFail }) {
  if (verdict === "silent") return ["error", mending.microphone];
  if (failed.some((name) => name !== "round_trip_ms"))
    return onFail === "block"
      ? ["error", translate("This is not good enough for this study yet. Please fix the problems marked below.")]
      : ["warning", translate("If you can, please fix the problems marked below. You may also continue as it is.")];
  if (verdict === "clipping") return ["warning", mending.clipped_percent];
  if (verdict === "quiet")
    return [
      "warning",
      translate(
        "Your voice is very quiet. Move closer to the microphone, or raise its level in your system’s settings, then check again.",
      ),
    ];
  if (snr_db < LEAST_CLEAR_DB) return ["warning", mending.snr_db];
  return ["success", translate("Your microphone works well.")];
}
