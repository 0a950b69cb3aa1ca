// The page that compares the answers of a pair. It can be left once all recordings were heard, if that is required.

import { translate } from "../i18n.js";

/** One recorded answer: its card, and the hidden field with the seconds that were heard of it. */
class Side {
  #card;
  #field;
  #box;
  #wasHeard;

  /** @param {HTMLElement} card @param {HTMLInputElement} field */
  constructor(card, field) {
    this.#card = card;
    this.#field = field;
    this.#box = /** @type {HTMLInputElement} */ (card.querySelector("[data-no-answer]"));
    this.#wasHeard = "heard" in card.dataset; // It was heard before the page was opened again.
    this.#box.addEventListener("change", () => this.#tagNothing());
    card.addEventListener("heard", (event) => this.#hear(event));
    card.addEventListener("listened", (event) => this.#wasHeard && this.#hear(event));
  }

  /** Whether it was heard, or there is nothing to hear. */
  get heard() {
    return this.#wasHeard || this.#box.checked;
  }

  /** @param {Event} event of a player; what the participant said counts for nothing */
  #hear(event) {
    if (!(event instanceof CustomEvent && event.target instanceof HTMLElement)) return;
    if (!("answer" in event.target.dataset)) return;
    const before = Number(this.#field.value);
    const seconds = Math.round(10 * Math.max(before, event.detail.seconds)) / 10;
    this.#showWords();
    if (this.#wasHeard && seconds === before) return;
    this.#field.value = String(seconds);
    this.#wasHeard = true;
    this.#card.dataset.heard = "";
    const tag = this.#card.querySelector("[data-heard-tag]");
    if (tag !== null) tag.textContent = translate("heard");
    const detail = { item: "listened_sec", side: this.#card.dataset.side, value: seconds };
    form.dispatchEvent(new CustomEvent("keep", { detail }));
  }

  /** An answer that there was not is neither heard nor not heard. */
  #tagNothing() {
    const tag = this.#card.querySelector("[data-heard-tag]");
    if (tag instanceof HTMLElement) tag.hidden = this.#box.checked;
  }

  #showWords() {
    const [words, later] = ["[data-words]", "[data-words-later]"].map((name) => this.#card.querySelector(name));
    if (words instanceof HTMLElement) words.hidden = false;
    if (later instanceof HTMLElement) later.hidden = true;
  }
}

const judgement = /** @type {HTMLElement} */ (document.querySelector("[data-judgement]"));
const form = /** @type {HTMLFormElement} */ (judgement.querySelector("form[data-questions]"));
const button = /** @type {HTMLButtonElement} */ (form.querySelector("button[type=submit]"));
const hint = /** @type {HTMLElement | null} */ (judgement.querySelector("[data-listen-first]"));
const sides = [...document.querySelectorAll("[data-side]")].flatMap((card) => {
  if (!(card instanceof HTMLElement)) throw new TypeError("a side is an HTML element");
  const field = form.elements.namedItem(`listened-${card.dataset.side}`);
  return field instanceof HTMLInputElement ? [new Side(card, field)] : []; // There is no field without a recording.
});

function allow() {
  if (hint === null) return; // The answers need not be heard.
  const missing = sides.some((side) => !side.heard);
  button.disabled = missing;
  hint.hidden = !missing;
}

document.addEventListener("heard", allow);
document.addEventListener("change", allow);
allow();
