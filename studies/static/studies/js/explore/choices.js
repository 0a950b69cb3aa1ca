import { effectOf, expectedPitch } from "./voice-effect.js";

/** @typedef {Record<string, string>} Choice what is chosen, by the names of the groups: voice, engine, prompt */

/** The folded groups of options. Each says in its heading what is chosen in it. */
export class Choices {
  onVoice = (/** @type {string} */ _voice) => {};
  #form;

  /** @param {HTMLFormElement} form @param {readonly string[]} agreed purposes that were agreed to */
  constructor(form, agreed) {
    this.#form = form;
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", (event) => {
      this.#showChosen();
      const chosen = /** @type {HTMLInputElement} */ (event.target);
      if (chosen.name === "voice") this.onVoice(chosen.value);
    });
    form.addEventListener("click", (event) => this.#remember(event));
    if (agreed.length > 0) this.agreed = agreed;
    this.#showChosen();
  }

  /** @param {readonly string[]} purposes; options that need another one are taken away */
  set agreed(purposes) {
    for (const element of this.#form.querySelectorAll("[data-purpose]"))
      if (!purposes.includes(element.getAttribute("data-purpose") ?? "")) element.remove();
    for (const group of this.#form.querySelectorAll("[data-choice]")) {
      const inputs = /** @type {HTMLInputElement[]} */ ([...group.querySelectorAll("input[type=radio]")]);
      if (inputs.length > 0 && !inputs.some((input) => input.checked)) inputs[0].checked = true;
    }
    this.#showChosen();
  }

  /** @returns {Choice} */
  get chosen() {
    const inputs = /** @type {HTMLInputElement[]} */ ([
      ...this.#form.querySelectorAll("input[type=hidden], input[type=radio]:checked"),
    ]);
    return Object.fromEntries(inputs.map(({ name, value }) => [name, value])); // FormData leaves out disabled ones
  }

  /** @param {string} voice */
  set voice(voice) {
    for (const input of this.#voices) input.checked = input.value === voice;
    this.#showChosen();
  }

  /** Says below each voice what it does to somebody of this pitch. @param {number} ownHz */
  describe(ownHz) {
    for (const input of this.#voices) {
      const { f0Ratio, f0TargetHz } = input.dataset;
      const voice = { ratio: f0Ratio ? Number(f0Ratio) : undefined, targetHz: f0TargetHz ? Number(f0TargetHz) : undefined };
      this.say(input.value, effectOf(ownHz, expectedPitch(ownHz, voice)));
    }
  }

  /** Says something below a voice. @param {string} voice @param {string} text */
  say(voice, text) {
    const input = this.#voices.find(({ value }) => value === voice);
    const effect = input?.closest(".explore__option")?.querySelector("[data-effect]");
    if (effect) effect.textContent = text;
  }

  /** Whether anything may still be changed. @param {boolean} open */
  set open(open) {
    for (const group of this.#form.querySelectorAll("details")) {
      if (!open && group.dataset.choice !== "prompt") group.open = false;
      group.toggleAttribute("data-fixed", !open && group.dataset.choice !== "prompt");
    }
    for (const input of this.#form.querySelectorAll("input")) input.disabled = !open;
  }

  get #voices() {
    return /** @type {HTMLInputElement[]} */ ([...this.#form.querySelectorAll("input[name=voice]")]);
  }

  #showChosen() {
    for (const group of this.#form.querySelectorAll("[data-choice]")) {
      const input = /** @type {HTMLInputElement | null} */ (group.querySelector("input:checked"));
      const heading = group.querySelector("[data-chosen]");
      if (heading !== null) heading.textContent = input?.dataset.label ?? "";
    }
  }

  /** The page on which a voice is made comes back with what is chosen here. @param {MouseEvent} event */
  #remember(event) {
    if (!(event.target instanceof HTMLAnchorElement) || event.target.dataset.part !== "make") return;
    const { prompt, engine } = this.chosen;
    const url = new URL(event.target.href);
    for (const [name, value] of Object.entries({ prompt, engine })) if (value) url.searchParams.set(name, value);
    event.target.href = url.href;
  }
}
