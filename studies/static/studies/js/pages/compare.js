// The page that compares the answers of a pair. It can be left once all recordings were heard, if that is required.

import { translate } from "../i18n.js";

/** One recorded answer: its card, and the hidden field with the seconds that were heard. */
class Side {
  #card;
  #field;
  #heard;

  /** @param {HTMLElement} card @param {HTMLInputElement} field */
  constructor(card, field) {
    this.#card = card;
    this.#field = field;
    this.#heard = "heard" in card.dataset; // It was heard before the page was opened again.
    card.addEventListener("heard", (event) => this.#hear(event));
    card.addEventListener("listened", (event) => this.#heard && this.#hear(event));
  }

  get heard() {
    return this.#heard;
  }

  /** @param {Event} event */
  #hear(event) {
    if (!(event instanceof CustomEvent)) return;
    const before = Number(this.#field.value);
    const seconds = Math.round(10 * Math.max(before, event.detail.seconds)) / 10;
    if (this.#heard && seconds === before) return;
    this.#field.value = String(seconds);
    this.#heard = true;
    this.#card.dataset.heard = "";
    const tag = this.#card.querySelector("[data-heard-tag]");
    if (tag !== null) tag.textContent = translate("heard");
    const detail = { item: "listened_sec", side: this.#card.dataset.side, value: seconds };
    form.dispatchEvent(new CustomEvent("keep", { detail }));
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
allow();
