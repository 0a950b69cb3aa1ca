/** Keeps the screen on if the browser can, because a phone that goes to sleep ends the talk. */
export class WakeLock {
  #lock = /** @type {WakeLockSentinel | null} */ (null);
  #open = true;
  #renew = () => {
    if (document.visibilityState === "visible") this.#request();
  };

  constructor() {
    document.addEventListener("visibilitychange", this.#renew);
    this.#request();
  }

  close() {
    this.#open = false;
    document.removeEventListener("visibilitychange", this.#renew);
    this.#lock?.release();
  }

  async #request() {
    try {
      this.#lock = await navigator.wakeLock?.request("screen");
      if (!this.#open) this.#lock?.release();
    } catch {
      // It was refused, for example because the battery is low. The talk continues without it.
    }
  }
}
