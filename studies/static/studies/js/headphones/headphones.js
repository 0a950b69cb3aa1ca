import { translate } from "../i18n.js";
import { Listening } from "./listening.js";

/**
 * @typedef {object} HeadphonesConfig
 * @property {import("./stimuli.js").Method} method
 * @property {string} seed
 * @property {number} attempt from 0
 * @property {number} trials
 */

/** One attempt at the headphone screening: the volume is set, then trials follow. The server checks the answers. */
export class HeadphoneTest {
  #form;
  #config;
  #listening;
  #answers = /** @type {number[]} */ ([]);
  #heard = false; // whether the sounds of this trial were played to the end
  #playing = false;

  /** @param {HTMLFormElement} form @param {HeadphonesConfig} config */
  constructor(form, config) {
    this.#form = form;
    this.#config = config;
    this.#listening = new Listening(config.method);
    this.#listening.onInterval = (interval) => this.#light(interval);
    this.#part("volume").addEventListener("click", () => this.#playVolume());
    this.#part("ready").addEventListener("click", () => this.#begin());
    this.#part("play").addEventListener("click", () => this.#play());
    this.#intervals.forEach((button, index) => button.addEventListener("click", () => this.#answer(index + 1)));
    document.addEventListener("keydown", (event) => this.#pressed(event));
    this.#enable("volume", true);
  }

  get #intervals() {
    return /** @type {HTMLButtonElement[]} */ ([...this.#form.querySelectorAll("[data-interval]")]);
  }

  // volume

  async #playVolume() {
    this.#enable("volume", false);
    this.#listening.unlock();
    await this.#listening.playVolume();
    this.#part("volume").textContent = translate("Play it again");
    this.#enable("volume", true);
    this.#enable("ready", true);
    if (document.activeElement === document.body) this.#part("volume").focus(); // It lost the focus while disabled.
  }

  #begin() {
    this.#part("volume-card").hidden = true;
    this.#part("test-card").hidden = false;
    this.#next();
  }

  // trials

  #next() {
    this.#heard = false;
    const values = { trial: this.#answers.length + 1, trials: this.#config.trials };
    this.#part("count").textContent = translate("Round %(trial)s of %(trials)s", values);
    this.#part("play").textContent = translate("Play the three sounds");
    this.#say("");
    this.#update();
    this.#part("play").focus();
  }

  async #play() {
    if (this.#playing) return;
    this.#playing = true;
    this.#update();
    this.#say(translate("Listen …"));
    this.#listening.unlock();
    await this.#listening.playTrial(this.#config.seed, this.#config.attempt, this.#answers.length);
    this.#playing = false;
    this.#heard = true;
    this.#part("play").textContent = translate("Play them again");
    this.#say(translate("Which one was it? Choose 1, 2 or 3, here or on the keyboard."));
    this.#update();
    this.#part("intervals").focus(); // If an answer had the focus, a second Enter would choose it.
  }

  /** @param {number} answer 1, 2 or 3 */
  #answer(answer) {
    if (!this.#heard || this.#playing) return;
    this.#answers.push(answer);
    if (this.#answers.length < this.#config.trials) return this.#next();
    this.#heard = false;
    this.#update();
    this.#enable("play", false);
    this.#say(translate("Thank you. One moment …"));
    /** @type {HTMLInputElement} */ (this.#part("answers")).value = JSON.stringify(this.#answers);
    this.#listening.close();
    this.#form.submit();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
    const answer = ["1", "2", "3"].indexOf(event.key) + 1;
    if (answer > 0) this.#answer(answer);
  }

  // elements

  /** @param {number | null} interval */
  #light(interval) {
    this.#intervals.forEach((button, index) => button.toggleAttribute("data-sounding", index === interval));
  }

  #update() {
    this.#enable("play", !this.#playing);
    for (const button of this.#intervals) button.disabled = !this.#heard || this.#playing;
  }

  /** @param {string} text */
  #say(text) {
    this.#part("status").textContent = text;
  }

  /** @param {string} name */
  #part(name) {
    const element = this.#form.querySelector(`[data-part="${name}"]`);
    if (!(element instanceof HTMLElement)) throw new Error(`the page lacks its part ${name}`);
    return element;
  }

  /** @param {string} name @param {boolean} enabled */
  #enable(name, enabled) {
    /** @type {HTMLButtonElement} */ (this.#part(name)).disabled = !enabled;
  }
}
