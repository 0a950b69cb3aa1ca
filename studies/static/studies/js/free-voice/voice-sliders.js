import { language } from "../i18n.js";

const FIGURES = new Intl.NumberFormat(language(), { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** The sliders of a voice: named range inputs with an output each, "your own", and presets. */
export class VoiceSliders {
  onChange = () => {};
  #inputs;
  #root;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    this.#inputs = /** @type {HTMLInputElement[]} */ ([...root.querySelectorAll("input[type=range]")]);
    for (const input of this.#inputs)
      input.addEventListener("input", () => {
        this.#show(input);
        this.onChange();
      });
    root.querySelector('[data-part="reset"]')?.addEventListener("click", () => this.#set((input) => input.dataset.neutral));
    for (const button of root.querySelectorAll("[data-preset]"))
      button.addEventListener("click", () => this.#set((input) => button.getAttribute(`data-${input.name}`)));
    for (const input of this.#inputs) this.#show(input);
  }

  /** @returns {Record<string, number>} */
  get parameters() {
    return Object.fromEntries(this.#inputs.map((input) => [input.name, input.valueAsNumber]));
  }

  /** @param {(input: HTMLInputElement) => string | null | undefined} valueOf */
  #set(valueOf) {
    for (const input of this.#inputs) {
      input.value = valueOf(input) ?? input.value;
      this.#show(input);
    }
    this.onChange();
  }

  /** @param {HTMLInputElement} input */
  #show(input) {
    const text = `${input.dataset.unit}${FIGURES.format(input.valueAsNumber)}`;
    const output = this.#root.querySelector(`[data-value-of="${input.name}"]`);
    if (output !== null) output.textContent = text;
    input.setAttribute("aria-valuetext", text);
  }
}
