const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * @typedef {object} Answer
 * @property {string} item
 * @property {unknown} value
 * @property {string} client_id the id of the message, which stays the same if it is sent again
 * @property {string} [side] of the recorded answer that was heard
 * @property {import("./fields.js").Filled} [fields] to restore after a reload; not sent
 * @typedef {{status: number, code?: string, message?: string}} Outcome `status` 0: the server was not reached
 * @typedef {"idle" | "saving" | "saved" | "waiting" | "stopped"} State
 */

/**
 * Sends answers one after another, only the newest of each item, until each has arrived. An answer that was sent and is
 * not known to have arrived is sent again before any other, because it may still arrive and must not come after a later
 * one. If the server cannot be reached, the answer is sent again after a pause. If the server refuses a single answer,
 * this is reported and the answer is dropped. If it accepts no answers at all (another tab has taken over, or the
 * session is over), the queue stops and keeps its answers.
 */
export class AnswerQueue {
  onState = (/** @type {State} */ _state, /** @type {string} */ _message) => {};
  onKept = (/** @type {Answer} */ _answer) => {};
  onRefused = (/** @type {Answer} */ _answer, /** @type {string} */ _message) => {};
  onStopped = (/** @type {string} */ _code) => {};
  #send;
  #pause;
  #sent = /** @type {Answer | null} */ (null); // sent, but not known to have arrived
  #waiting = /** @type {Map<string, Answer>} */ (new Map());
  #running = false;
  #stopped = false;
  #failures = 0;
  #wake = () => {};
  #settled = /** @type {((state: State) => void)[]} */ ([]);

  /**
   * @param {(answer: Answer) => Promise<Outcome>} send never rejects
   * @param {(ms: number) => Promise<void>} pause
   */
  constructor(send, pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))) {
    this.#send = send;
    this.#pause = pause;
  }

  /** @returns {Answer[]} in the order in which they will be sent */
  get unsaved() {
    return [...(this.#sent === null ? [] : [this.#sent]), ...this.#waiting.values()];
  }

  /** @param {Answer} answer replaces one of the same item that was not sent yet */
  put(answer) {
    const key = keyOf(answer);
    this.#waiting.delete(key); // so that it moves to the end of the queue
    this.#waiting.set(key, answer);
    this.#run();
  }

  /** Sends what is left at once. @returns {Promise<State>} the result: "saved", "waiting" or "stopped" */
  settle() {
    if (this.#isEmpty) return Promise.resolve("saved");
    if (this.#stopped) return Promise.resolve("stopped");
    const settled = /** @type {Promise<State>} */ (new Promise((resolve) => this.#settled.push(resolve)));
    this.#wake();
    this.#run();
    return settled;
  }

  /** Continues after the queue was stopped. */
  resume() {
    this.#stopped = false;
    this.#run();
  }

  async #run() {
    if (this.#running || this.#stopped) return;
    this.#running = true;
    while (!this.#isEmpty && !this.#stopped) {
      const answer = (this.#sent ??= this.#next());
      this.onState("saving", "");
      await this.#deal(answer, await this.#send(answer));
    }
    this.#running = false;
    if (!this.#stopped) this.#tell("saved", "");
  }

  get #isEmpty() {
    return this.#sent === null && this.#waiting.size === 0;
  }

  /** @returns {Answer} */
  #next() {
    const [[key, answer]] = this.#waiting;
    this.#waiting.delete(key);
    return answer;
  }

  /** @param {Answer} answer @param {Outcome} outcome */
  async #deal(answer, { status, code = "", message = "" }) {
    if (status === 200) {
      this.#failures = 0;
      this.#sent = null;
      this.onKept(answer);
    } else if (status === 0 || status === 429 || status >= 500) {
      const woken = /** @type {Promise<void>} */ (new Promise((resolve) => (this.#wake = resolve)));
      const pause = this.#pause(Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures++));
      this.#tell("waiting", message);
      await Promise.race([pause, woken]);
    } else if ([400, 413, 422].includes(status)) {
      this.#sent = null;
      this.onRefused(answer, message);
    } else {
      this.#stopped = true;
      this.#tell("stopped", message);
      this.onStopped(code);
    }
  }

  /** @param {State} state @param {string} message */
  #tell(state, message) {
    this.onState(state, message);
    for (const resolve of this.#settled.splice(0)) resolve(state);
  }
}

/** @param {Answer} answer */
function keyOf({ item, side = "" }) {
  return `${item}/${side}`;
}
