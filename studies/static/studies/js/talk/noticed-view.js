import { translate } from "../i18n.js";

/** What the machine can be told of a voice. @type {Readonly<Record<string, string>>} */
const WORDS = {
  laughing: translate("laughing"),
  sighing: translate("sighing"),
  tense: translate("tense"),
  calm: translate("calm"),
  loud: translate("louder than before"),
  soft: translate("softer than before"),
  high: translate("higher than before"),
  low: translate("lower than before"),
  fast: translate("faster than before"),
  slow: translate("slower than before"),
  lively: translate("lively"),
  flat: translate("flat"),
  "high voice": translate("a high voice"),
  "deep voice": translate("a deep voice"),
};

/** The caption of how the participant sounded in the last turn. Only pages that name the machine have one. */
export class NoticedView {
  #caption;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#caption = root.querySelector('[data-part="noticed"]');
  }

  /** @param {string} sounded words with commas between; empty if nothing stood out */
  show(sounded) {
    if (this.#caption !== null) this.#caption.textContent = noticedText(sounded);
  }

  /** Removes the caption when another take begins. */
  clear() {
    if (this.#caption !== null) this.#caption.textContent = "";
  }
}

/** @param {string} sounded @returns {string} such as "It noticed: laughing" */
export function noticedText(sounded) {
  if (sounded === "") return translate("It noticed nothing special in your voice.");
  const words = sounded.split(", ").map((word) => WORDS[word] ?? word);
  return translate("It noticed: %(words)s", { words: words.join(", ") });
}
