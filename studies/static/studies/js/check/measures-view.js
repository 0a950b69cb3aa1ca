import { language, translate } from "../i18n.js";

/**
 * @typedef {object} Row
 * @property {import("./measures.js").Measured} name
 * @property {number | null} value
 * @property {number | null} limit the study's threshold; null without one
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
function line({ name, value, limit, failed, mend }) {
  const item = document.createElement("li");
  item.className = failed ? "measure measure--failed" : "measure";
  item.dataset.measure = name;
  const label = document.createElement("span");
  label.textContent = labelOf(name);
  const number = document.createElement("b");
  number.textContent = value === null ? translate("not measured") : withUnit(name, value);
  item.append(label, number);
  if (failed) {
    const help = document.createElement("p");
    help.textContent = limit === null ? mend : `${mend} ${wanted(name, limit)}`;
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

/** Says which value the study requires. @param {import("./measures.js").Measured} name @param {number} limit */
function wanted(name, limit) {
  const bound = { limit: withUnit(name, limit) };
  return name === "snr_db"
    ? translate("This study needs at least %(limit)s.", bound)
    : translate("This study allows at most %(limit)s.", bound);
}

/** @param {import("./measures.js").Measured} name @param {number} value */
function withUnit(name, value) {
  const units = { noise_dbfs: "dBFS", snr_db: "dB", clipped_percent: "%", round_trip_ms: "ms" };
  const digits = name === "clipped_percent" ? 2 : 0;
  return `${value.toLocaleString(language(), { maximumFractionDigits: digits })} ${units[name]}`.replace("-", "−");
}

/**
 * Returns the message about the microphone.
 * @param {import("./measures.js").LevelVerdict} verdict
 * @param {import("./measures.js").Failure[]} failed
 * @param {import("./check.js").CheckConfig} config
 * @returns {[tone: string, text: string]}
 */
export function toneAndText(verdict, failed, { mending, onFail }) {
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
  return ["success", translate("Your microphone works well.")];
}
