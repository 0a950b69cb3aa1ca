import { Refused } from "./server.js";

/** @typedef {import("./server.js").Draft} Draft @typedef {import("./server.js").Report} Report */

const IDLE_MS = 700;
const RETRY_MS = 4_000;

/**
 * Saves the draft on the server: shortly after the last change, again after a failure, and never over a change that
 * somebody else made meanwhile.
 */
export class Keeper {
  #server;
  #read;
  #listener;
  #revision;
  /** The text that the server has. */
  #kept;
  #timer = 0;
  #busy = false;
  #again = false;
  /** The draft of somebody else, until the conflict is resolved. @type {Draft | null} */
  #theirs = null;

  /**
   * @param {import("./server.js").Server} server
   * @param {Draft} start
   * @param {() => string} read
   * @param {{onState: (state: import("./state-line.js").State, told?: string) => void,
   *   onReport: (report: Report) => void, onConflict: (theirs: Draft) => void}} listener
   */
  constructor(server, start, read, listener) {
    this.#server = server;
    this.#revision = start.revision;
    this.#kept = start.text;
    this.#read = read;
    this.#listener = listener;
  }

  get isKept() {
    return this.#read() === this.#kept;
  }

  get revision() {
    return this.#revision;
  }

  /** Must be called when the text has changed; saves it after a pause. */
  touch() {
    this.#listener.onState(this.#theirs ? "conflict" : "changed");
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.keep(), IDLE_MS);
  }

  /** Sends the current text, or does so after the request that is in progress. */
  async keep() {
    clearTimeout(this.#timer);
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    this.#again = false;
    await this.#send(this.#read());
    this.#busy = false;
    if (this.#again) await this.keep();
  }

  /** Resolves a conflict: the current text is saved on top of somebody else's revision. @param {Draft} theirs */
  resolve(theirs) {
    this.#theirs = null;
    this.#revision = theirs.revision;
    this.#kept = theirs.text;
    return this.keep();
  }

  /** @param {string} text */
  async #send(text) {
    this.#listener.onState("sending");
    try {
      if (this.#theirs) {
        this.#listener.onReport(await this.#server.validate(text));
        this.#listener.onState("conflict");
        return;
      }
      const { kept, draft } = await this.#server.save(text, this.#revision);
      if (this.#read() === text) this.#listener.onReport(draft.report);
      if (kept) {
        this.#revision = draft.revision;
        this.#kept = text;
        this.#listener.onState(this.isKept ? "kept" : "changed", draft.at);
      } else {
        this.#theirs = draft;
        this.#listener.onState("conflict");
        this.#listener.onConflict(draft);
      }
    } catch (error) {
      this.#listener.onState("failed", error instanceof Error ? error.message : String(error));
      if (!(error instanceof Refused)) this.#timer = window.setTimeout(() => this.keep(), RETRY_MS);
    }
  }
}

/**
 * Saves the text before the page is left: links and forms of the study wait for it, and anything else asks first.
 * @param {() => boolean} isKept
 * @param {() => Promise<void>} keep
 */
export function keepBeforeLeaving(isKept, keep) {
  /** @param {Event} event @param {() => void} go */
  const first = async (event, go) => {
    if (isKept()) return;
    event.preventDefault();
    await keep();
    if (isKept()) go();
  };
  for (const link of document.querySelectorAll("a[data-leaves]"))
    if (link instanceof HTMLAnchorElement)
      link.addEventListener("click", (event) => void first(event, () => location.assign(link.href)));
  for (const form of document.querySelectorAll("form[data-changes]"))
    if (form instanceof HTMLFormElement)
      form.addEventListener("submit", (event) => void first(event, () => form.requestSubmit(event.submitter)));
  window.addEventListener("beforeunload", (event) => {
    if (!isKept()) event.preventDefault();
  });
  window.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s") return;
    event.preventDefault();
    void keep();
  });
}
