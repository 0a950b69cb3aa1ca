import { translate } from "../i18n.js";

const ICONS = {
  play: "M7 4.5v15l12.5-7.5z",
  pause: "M6.5 5h4v14h-4zM13.5 5h4v14h-4z",
};

/** @typedef {keyof typeof ICONS} Icon */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag @param {string} className @param {string} [text]
 */
export function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

/** A round button that plays or pauses. */
export class PlayButton {
  element = element("button", "waveform__play");
  #path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  #label;

  /** @param {string} label the name of what it plays */
  constructor(label) {
    this.#label = label;
    this.element.type = "button";
    const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    icon.setAttribute("viewBox", "0 0 24 24");
    icon.setAttribute("aria-hidden", "true");
    icon.append(this.#path);
    this.element.append(icon);
    this.playing = false;
  }

  /** @param {boolean} playing */
  set playing(playing) {
    this.#path.setAttribute("d", ICONS[playing ? "pause" : "play"]);
    const label = this.#label;
    this.element.ariaLabel = playing
      ? translate("Pause: %(label)s", { label })
      : translate("Play: %(label)s", { label });
  }
}

/** @param {number} sec @returns {string} minutes:seconds */
export function clock(sec) {
  const whole = Math.floor(sec + 0.01); // Decoding can shorten a recording by a hundredth of a second.
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Returns the colours of a waveform from its style, which depends on theme and speaker. @param {Element} of */
export function waveColors(of) {
  const style = getComputedStyle(of);
  return {
    waveColor: style.getPropertyValue("--wave-rest").trim() || "#81918e",
    progressColor: style.getPropertyValue("--wave").trim() || "#0a5c58",
    cursorColor: style.getPropertyValue("--wave").trim() || "#0a5c58",
  };
}
