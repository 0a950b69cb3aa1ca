const BY_ITSELF = new Set(["engine_lost"]); // endings after which a new take is started automatically
const MOST_IN_A_ROW = 3;
const STEADY_MS = 30_000; // A talk that lasted this long resets the count.
const WAIT_SEC = 5;

/**
 * Starts a new take automatically when the engine was lost: after a countdown, and only a few times in a row. The
 * countdown stops while the page is hidden, so that no microphone is opened without the participant noticing.
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

  /** Whether no more takes are started automatically, because too many in a row broke off. */
  get exhausted() {
    return this.#inARow >= MOST_IN_A_ROW;
  }

  /**
   * Begins the countdown to a new take after a talk has ended, if one is to be started.
   * @param {string} reason
   * @param {number} liveMs how long the talk lasted; NaN if it never began
   * @returns {boolean} whether the countdown has begun
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

  /** Starts the take now instead of at the end of the countdown. */
  skip() {
    this.cancel();
    this.#onOver();
  }

  /** Stops the countdown. */
  cancel() {
    clearInterval(this.#timer);
  }

  /** Must be called when the participant starts a talk; resets the count. */
  reset() {
    this.cancel();
    this.#inARow = 0;
  }
}
