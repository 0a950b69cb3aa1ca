import { language, translate } from "../i18n.js";

/**
 * @typedef {object} Row
 * @property {import("./limits.js").Measured} name
 * @property {number | null} value
 * @property {number | null} limit the study's threshold; null without one
 * @property {boolean} failed
 * @property {string} mend
 */

/** The measured values, one line each, and under a failed one how to mend it. */
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

/** @param {import("./limits.js").Measured} name */
function labelOf(name) {
  const labels = {
    noise_dbfs: translate("Noise around you"),
    snr_db: translate("Your voice above the noise"),
    clipped_percent: translate("Sound cut off"),
    round_trip_ms: translate("To the server and back"),
  };
  return labels[name];
}

/** What would do, for whoever tries again. @param {import("./limits.js").Measured} name @param {number} limit */
function wanted(name, limit) {
  const bound = { limit: withUnit(name, limit) };
  return name === "snr_db"
    ? translate("This study needs at least %(limit)s.", bound)
    : translate("This study allows at most %(limit)s.", bound);
}

/** @param {import("./limits.js").Measured} name @param {number} value */
function withUnit(name, value) {
  const units = { noise_dbfs: "dBFS", snr_db: "dB", clipped_percent: "%", round_trip_ms: "ms" };
  const digits = name === "clipped_percent" ? 2 : 0;
  return `${value.toLocaleString(language(), { maximumFractionDigits: digits })} ${units[name]}`.replace("-", "−");
}
