import { ConflictView } from "./conflict-view.js";
import { keepBeforeLeaving, Keeper } from "./keeper.js";
import { rewritten } from "./rewriting.js";
import { Refused, Server } from "./server.js";
import { showState } from "./state-line.js";

/**
 * @typedef {import("./server.js").Draft} Draft
 * @typedef {import("./server.js").Problem} Problem
 * @typedef {import("./edits.js").Edit} Edit
 */

const IDLE_MS = 450;

/** Shows the texts of a study beside their translations into one language. Each change is made in the draft's YAML. */
export class TranslationPage {
  #root;
  #server;
  #keeper;
  #conflict;
  #language;
  /** The draft as YAML. */
  #text;
  /** Maps each field to the value last written to the draft. @type {Map<HTMLTextAreaElement, string>} */
  #told = new Map();
  #timer = 0;
  #sending = 0;
  /** @type {Promise<void>} */
  #last = Promise.resolve();

  /** @param {HTMLElement} root @param {Draft} start */
  constructor(root, start) {
    this.#root = root;
    this.#text = start.text;
    this.#language = root.dataset.language ?? "";
    this.#server = new Server(root.dataset, root.dataset.csrf ?? "");
    this.#keeper = new Keeper(this.#server, start, () => this.#text, {
      onState: (state, told) => showState(this.#part("state"), state, told),
      onReport: (report) => this.#mark(report.problems),
      onConflict: (theirs) => this.#conflict.show(this.#text, theirs),
    });
    this.#conflict = new ConflictView(/** @type {HTMLDialogElement} */ (this.#part("conflict")), (text, theirs) =>
      this.#goOn(text, theirs),
    );
    for (const field of this.#fields) {
      this.#told.set(field, field.value);
      field.addEventListener("input", () => this.#typed());
    }
    for (const button of root.querySelectorAll("[data-remove]"))
      button.addEventListener("click", () => this.#remove(/** @type {HTMLElement} */ (button)));
    root.querySelector("[data-do=save]")?.addEventListener("click", () => this.#keep());
    this.#filter.addEventListener("change", () => this.#narrow());
    keepBeforeLeaving(
      () => this.#isKept,
      () => this.#keep(),
    );
    showState(this.#part("state"), "kept", start.at);
    this.#mark(start.report.problems);
    document.getElementById(decodeURIComponent(location.hash.slice(1)))?.focus();
  }

  get #isKept() {
    return this.#keeper.isKept && this.#sending === 0 && this.#fields.every((field) => this.#told.get(field) === field.value);
  }

  #typed() {
    showState(this.#part("state"), "changed");
    this.#count();
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#tell(), IDLE_MS);
  }

  async #keep() {
    await this.#tell();
    await this.#keeper.keep();
  }

  /** Applies what was typed to the draft. */
  #tell() {
    clearTimeout(this.#timer);
    /** @type {Edit[]} */
    const edits = [];
    for (const field of this.#fields) {
      const { value } = field;
      if (this.#told.get(field) === value) continue;
      this.#told.set(field, value);
      const path = this.#pathOf(field.dataset.path ?? "");
      edits.push(value.trim() ? { do: "put", path, value } : { do: "drop", path });
    }
    if (edits.length) this.#write(edits);
    return this.#last;
  }

  /** Applies edits one after another. @param {Edit[]} edits */
  #write(edits) {
    this.#sending++;
    this.#last = this.#last.then(async () => {
      try {
        const trouble = (/** @type {string} */ told) => showState(this.#part("state"), "failed", told);
        this.#text = await rewritten(this.#server, () => this.#text, edits, trouble);
        this.#keeper.touch();
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
      } finally {
        this.#sending--;
      }
    });
  }

  /** Removes a translation whose text no longer exists. @param {HTMLElement} button */
  #remove(button) {
    this.#write([{ do: "drop", path: this.#pathOf(button.dataset.remove ?? "") }]);
    button.closest(".translation__line")?.remove();
  }

  /**
   * Continues with the text that resolves a conflict, and reloads the page to show it.
   * @param {string} text
   * @param {Draft} theirs
   */
  async #goOn(text, theirs) {
    this.#text = text;
    await this.#keeper.resolve(theirs);
    if (this.#keeper.isKept) location.reload();
  }

  /** Shows each problem beside its field. A missing translation needs no message. @param {Problem[]} problems */
  #mark(problems) {
    const told = new Map(problems.map(({ path, message }) => [path, message]));
    for (const field of this.#fields) {
      const problem = told.get(`translations.${this.#language}.${field.dataset.path}`) ?? "";
      const shown = /** @type {HTMLElement} */ (field.parentElement?.querySelector("[data-part=problem]"));
      shown.textContent = problem && field.value.trim() ? `This ${problem}` : "";
      field.setAttribute("aria-invalid", String(Boolean(shown.textContent)));
    }
    this.#count();
  }

  #count() {
    const needed = [...this.#root.querySelectorAll("[data-line]")];
    for (const line of needed) line.toggleAttribute("data-empty", !line.querySelector("textarea")?.value.trim());
    const lines = needed.filter((line) => line.hasAttribute("data-required"));
    const done = lines.filter((line) => !line.hasAttribute("data-empty")).length;
    const progress = /** @type {HTMLProgressElement} */ (this.#part("progress"));
    progress.value = done;
    const count = document.querySelector(".languages [data-part=count]");
    if (!count) return;
    count.textContent = `${done} of ${lines.length}`;
    count.className = `state state--${done === lines.length ? "open" : "paused"}`;
  }

  /** If the box is ticked, hides the lines that are translated now. A line that is completed later stays. */
  #narrow() {
    for (const line of this.#root.querySelectorAll("[data-line]"))
      line.toggleAttribute("hidden", this.#filter.checked && !(line.hasAttribute("data-empty") && line.hasAttribute("data-required")));
    for (const part of this.#root.querySelectorAll(".translation__part"))
      part.toggleAttribute("hidden", this.#filter.checked && !part.querySelector("[data-line]:not([hidden])"));
    this.#root.toggleAttribute("data-nothing", this.#filter.checked && !this.#root.querySelector("[data-line]:not([hidden])"));
  }

  /** @param {string} path @returns {string[]} the path of a translation in the document */
  #pathOf(path) {
    return ["translations", this.#language, path];
  }

  get #fields() {
    return /** @type {HTMLTextAreaElement[]} */ ([...this.#root.querySelectorAll("textarea[data-path]")]);
  }

  get #filter() {
    return /** @type {HTMLInputElement} */ (this.#part("filter"));
  }

  /** @param {string} name */
  #part(name) {
    return /** @type {HTMLElement} */ (this.#root.querySelector(`[data-part=${name}]`));
  }
}
