import { language, translate } from "../i18n.js";

/** @typedef {{name: import("./limits.js").Measured, value: number | null, failed: boolean, mend: string}} Row */

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
function line({ name, value, failed, mend }) {
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
    help.textContent = mend;
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

/** @param {import("./limits.js").Measured} name @param {number} value */
function withUnit(name, value) {
  const units = { noise_dbfs: "dBFS", snr_db: "dB", clipped_percent: "%", round_trip_ms: "ms" };
  const digits = name === "clipped_percent" ? 2 : 0;
  return `${value.toLocaleString(language(), { maximumFractionDigits: digits })} ${units[name]}`.replace("-", "−");
}
