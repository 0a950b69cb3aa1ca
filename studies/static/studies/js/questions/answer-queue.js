const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * @typedef {object} Answer
 * @property {string} item
 * @property {unknown} value
 * @property {string} client_id the same however often it is sent
 * @property {string} [side] of the answer that was listened to
 * @property {import("./fields.js").Filled} [fields] to put back after a reload; not sent
 * @typedef {{status: number, code?: string, message?: string}} Outcome `status` 0: the server was not reached
 * @typedef {"idle" | "saving" | "saved" | "waiting" | "stopped"} State
 */

/**
 * Sends answers one after another, the newest of each item alone, until each has arrived. What was sent and is not known
 * to have arrived is sent again before anything else: it may be on its way still, and must not come after what follows.
 * What cannot be sent now waits and is tried again; what the server refuses for itself is told and dropped; what it refuses altogether (another tab
 * has taken over, the visit is over) stops the queue and stays in it.
 */
export class AnswerQueue {
  onState = (/** @type {State} */ _state, /** @type {string} */ _message) => {};
  onKept = (/** @type {Answer} */ _answer) => {};
  onRefused = (/** @type {Answer} */ _answer, /** @type {string} */ _message) => {};
  onStopped = (/** @type {string} */ _code) => {};
  #send;
  #pause;
  #sent = /** @type {Answer | null} */ (null); // and not known to have arrived
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

  /** @returns {Answer[]} in the order they will be sent */
  get unsaved() {
    return [...(this.#sent === null ? [] : [this.#sent]), ...this.#waiting.values()];
  }

  /** @param {Answer} answer replaces one of the same item that was not sent yet */
  put(answer) {
    const key = keyOf(answer);
    this.#waiting.delete(key); // to the end of the queue
    this.#waiting.set(key, answer);
    this.#run();
  }

  /** Tries at once. @returns {Promise<State>} how that went: "saved", "waiting" or "stopped" */
  settle() {
    if (this.#isEmpty) return Promise.resolve("saved");
    if (this.#stopped) return Promise.resolve("stopped");
    const settled = /** @type {Promise<State>} */ (new Promise((resolve) => this.#settled.push(resolve)));
    this.#wake();
    this.#run();
    return settled;
  }

  /** Goes on after it was stopped. */
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
