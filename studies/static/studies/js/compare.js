// The comparison of two answers: the verdict can be sent once both were heard.

/** One answer: its card, and the hidden field that says how many seconds of it were heard. */
class Side {
  #card;
  #field;

  /**
   * @param {HTMLElement} card
   * @param {HTMLInputElement} field
   */
  constructor(card, field) {
    this.#card = card;
    this.#field = field;
    if (this.heard) this.#mark(); // the page came back with something else to correct
    card.addEventListener("heard", (event) => this.#hear(event));
    card.addEventListener("listened", (event) => this.heard && this.#hear(event));
  }

  get heard() {
    return Number(this.#field.value) > 0;
  }

  /** Whether there is anything to hear. */
  get audible() {
    return this.#card.querySelector("[data-waveform]") !== null;
  }

  /** @param {Event} event */
  #hear(event) {
    if (!(event instanceof CustomEvent)) return;
    this.#field.value = Math.max(Number(this.#field.value), event.detail.seconds).toFixed(1);
    this.#mark();
  }

  #mark() {
    this.#card.dataset.heard = "";
    const tag = this.#card.querySelector("[data-heard-tag]");
    if (tag !== null) tag.textContent = "heard";
  }
}

const form = /** @type {HTMLFormElement} */ (document.querySelector("form[data-judgement]"));
const button = /** @type {HTMLButtonElement} */ (form.querySelector("button[type=submit]"));
const hint = /** @type {HTMLElement} */ (form.querySelector("[data-listen-first]"));
const sides = [...document.querySelectorAll("[data-side]")].map((card) => {
  if (!(card instanceof HTMLElement)) throw new TypeError("a side is an HTML element");
  const field = form.elements.namedItem(`listened-${card.dataset.side}`);
  if (!(field instanceof HTMLInputElement)) throw new TypeError("each side has a field in the form");
  return new Side(card, field);
});

function allow() {
  const missing = sides.some((side) => side.audible && !side.heard);
  button.disabled = missing;
  hint.hidden = !missing;
}

document.addEventListener("heard", allow);
allow();
