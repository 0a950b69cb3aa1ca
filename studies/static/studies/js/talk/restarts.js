const BY_ITSELF = new Set(["engine_lost"]); // reasons for which a new take is worth a try at once
const MOST_IN_A_ROW = 3;
const STEADY_MS = 30_000; // a talk that lasted so long begins a new row
const WAIT_SEC = 5;

/**
 * Begins a new take by itself when the machine was lost: after a countdown, a few times in a row. It stands still
 * while the page is hidden, so that no microphone is opened behind somebody's back.
 */
export class Restarts {
  #onSecond;
  #onOver;
  #inARow = 0;
  #timer = /** @type {ReturnType<typeof setInterval> | undefined} */ (undefined);

  /** @param {(secondsLeft: number) => void} onSecond @param {() => void} onOver */
  constructor(onSecond, onOver) {
    this.#onSecond = onSecond;
    this.#onOver = onOver;
  }

  /** Whether none is begun any more, because too many in a row broke off. */
  get exhausted() {
    return this.#inARow >= MOST_IN_A_ROW;
  }

  /**
   * A talk ended: counts down to the next one, if there is to be one.
   * @param {string} reason
   * @param {number} liveMs how long it lasted; NaN when it never began
   * @returns {boolean} whether it counts
   */
  begin(reason, liveMs) {
    this.cancel();
    if (!BY_ITSELF.has(reason)) return false;
    if (liveMs >= STEADY_MS) this.#inARow = 0;
    if (this.exhausted) return false;
    this.#inARow++;
    let secondsLeft = WAIT_SEC;
    this.#onSecond(secondsLeft);
    this.#timer = setInterval(() => {
      if (document.hidden) return;
      this.#onSecond(--secondsLeft);
      if (secondsLeft === 0) this.skip();
    }, 1_000);
    return true;
  }

  /** Now, rather than at the end of the countdown. */
  skip() {
    this.cancel();
    this.#onOver();
  }

  /** Stop counting. */
  cancel() {
    clearInterval(this.#timer);
  }

  /** Somebody started a talk: what comes is a new row. */
  reset() {
    this.cancel();
    this.#inARow = 0;
  }
}
