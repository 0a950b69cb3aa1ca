// A page of questions. Runs the controls that several types share, and saves answers as they are given. Scripts of
// single types are in questions/types/.

import { NoAnswer } from "../questions/no-answer.js";
import { QuestionForm } from "../questions/question-form.js";
import { translatePlural } from "../i18n.js";

const SAY_BELOW = 20; // With fewer characters left than this, screen readers announce them.

/** A text field `[data-max-length]` with a line that says how many characters are left or too many. */
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
    const left = Number(this.#field.dataset.maxLength) - [...this.#field.value.normalize("NFC").trim()].length;
    const text =
      left < 0
        ? translatePlural("%(n)s character too many", "%(n)s characters too many", -left)
        : translatePlural("%(n)s character left", "%(n)s characters left", left);
    this.#left.textContent = text;
    this.#left.classList.toggle("field__error", left < 0);
    this.#said.textContent = left < SAY_BELOW ? text : "";
  }
}

/** `<div data-other>`: a choice with a text field, which is shown while it is chosen. */
export class Other {
  #box;
  #words;

  /** @param {HTMLElement} root @param {HTMLElement} question */
  constructor(root, question) {
    this.#box = /** @type {HTMLInputElement} */ (root.querySelector("input[type=radio], input[type=checkbox]"));
    this.#words = /** @type {HTMLInputElement} */ (root.querySelector("input[type=text]"));
    if (this.#words.value !== "") this.#box.checked = true;
    for (const name of ["change", "refill"]) question.addEventListener(name, () => this.#show());
    this.#show();
  }

  #show() {
    this.#words.hidden = !this.#box.checked;
    this.#words.disabled = !this.#box.checked; // A hidden field is not sent.
  }
}

const form = /** @type {HTMLFormElement} */ (document.querySelector("form[data-questions]"));
const config = JSON.parse(document.getElementById("questions-config")?.textContent ?? "{}");

for (const question of form.querySelectorAll("[data-question]")) {
  if (!(question instanceof HTMLElement)) continue;
  const other = question.querySelector("[data-other]");
  if (other instanceof HTMLElement) new Other(other, question);
  if (question.querySelector("[data-max-length]")) new TextLength(question);
}

new QuestionForm(form, config);
new NoAnswer(form);
