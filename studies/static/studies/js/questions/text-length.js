import { translatePlural } from "../i18n.js";

const SAY_BELOW = 20; // characters left, from which on they are read aloud

/** A text field `[data-max-length]` with a line that says how many characters are left, or too many. */
export class TextLength {
  #field;
  #left;
  #said;

  /** @param {HTMLElement} question */
  constructor(question) {
    this.#field = /** @type {HTMLInputElement | HTMLTextAreaElement} */ (question.querySelector("[data-max-length]"));
    this.#left = /** @type {HTMLElement} */ (question.querySelector("[data-left]"));
    this.#said = /** @type {HTMLElement} */ (question.querySelector("[data-left-said]"));
    for (const name of ["input", "refill"]) this.#field.addEventListener(name, () => this.#count());
    this.#count();
  }

  #count() {
    const left = Number(this.#field.dataset.maxLength) - [...this.#field.value.trim()].length;
    const text =
      left < 0
        ? translatePlural("%(n)s character too many", "%(n)s characters too many", -left)
        : translatePlural("%(n)s character left", "%(n)s characters left", left);
    this.#left.textContent = text;
    this.#left.classList.toggle("field__error", left < 0);
    this.#said.textContent = left < SAY_BELOW ? text : "";
  }
}
