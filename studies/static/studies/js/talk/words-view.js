import { translate } from "../i18n.js";
import { FRAME_MS } from "../contract/audio.js";

/** @typedef {{text: string, start_ms: number, turn: number}} Word */

/** Shows the agent's words, each when it is played. */
export class WordsView {
  #list;
  #waiting = /** @type {Word[]} */ ([]);
  #turns = /** @type {Map<number, HTMLElement>} */ (new Map());
  #soundingMs = 0;

  /** @param {HTMLElement} list */
  constructor(list) {
    this.#list = list;
  }

  /** @param {Word} word in order */
  add(word) {
    this.#waiting.push(word);
    this.#reveal();
  }

  /** @param {number} step that begins to sound */
  sound(step) {
    this.#soundingMs = (step + 1) * FRAME_MS;
    this.#reveal();
  }

  /**
   * Shows all words of a turn at once, if the engine does not say when each is spoken.
   * @param {number} turn
   * @param {string} text
   */
  complete(turn, text) {
    if (!this.#turns.has(turn) && !this.#waiting.some((word) => word.turn === turn)) this.#append(turn, text);
  }

  /** Shows what was understood of the participant. @param {string} text */
  understand(text) {
    if (text.trim() === "") return;
    const paragraph = document.createElement("p");
    paragraph.className = "talk__understood";
    paragraph.dir = "auto";
    const label = document.createElement("span");
    label.className = "talk__who";
    label.textContent = translate("It understood:");
    paragraph.append(label, ` ${text}`);
    this.#list.append(paragraph);
    this.#list.scrollTop = this.#list.scrollHeight;
  }

  /** Drops the words of an interrupted turn that have not been played. @param {number} turn */
  breakOff(turn) {
    this.#waiting = this.#waiting.filter((word) => word.turn !== turn || word.start_ms < this.#soundingMs);
    this.#turns.get(turn)?.classList.add("talk__turn--broken-off");
  }

  clear() {
    this.#waiting = [];
    this.#turns.clear();
    this.#list.replaceChildren();
    this.#soundingMs = 0;
  }

  #reveal() {
    while (this.#waiting.length > 0 && this.#waiting[0].start_ms < this.#soundingMs) {
      const { turn, text } = /** @type {Word} */ (this.#waiting.shift());
      this.#append(turn, text);
    }
  }

  /** @param {number} turn @param {string} text */
  #append(turn, text) {
    let paragraph = this.#turns.get(turn);
    if (paragraph === undefined) {
      paragraph = document.createElement("p");
      paragraph.className = "talk__turn";
      paragraph.dir = "auto"; // The agent's language may differ from the page's.
      this.#turns.set(turn, paragraph);
      this.#list.append(paragraph);
    }
    const space = paragraph.textContent === "" || /^[\s.,;:!?]/.test(text) ? "" : " ";
    paragraph.append(space + text);
    this.#list.scrollTop = this.#list.scrollHeight;
  }
}
