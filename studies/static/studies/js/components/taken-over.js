// Says when the session was opened in a newer tab, or on another device, or has ended meanwhile. A newer tab of this
// browser tells by itself; of other devices the server knows.

const POLL_MS = 5_000;

/** Lies over the page for good: what is under it no longer counts. */
class TakenOver {
  /** @param {HTMLDialogElement} dialog */
  constructor(dialog) {
    this.#dialog = dialog;
    this.#channel = new BroadcastChannel(`session:${new URL(this.#address, location.href).pathname}`);
    this.#channel.addEventListener("message", () => this.#show());
    this.#channel.postMessage("opened");
    this.#timer = window.setInterval(() => this.#ask(), POLL_MS);
    document.addEventListener("visibilitychange", () => this.#ask());
    window.addEventListener("took-over", (event) => event instanceof CustomEvent && this.#tookOver(event.detail));
    window.addEventListener("pageshow", (event) => event.persisted && this.#ask()); // back from the history
    dialog.addEventListener("cancel", (event) => event.preventDefault());
  }

  #dialog;
  #channel;
  #timer;

  get #address() {
    return this.#dialog.dataset.address ?? "";
  }

  async #ask() {
    if (document.visibilityState !== "visible" || this.#dialog.open) return;
    try {
      const response = await fetch(this.#address, { headers: { Accept: "application/json" } });
      if (!response.ok) return;
      const { live, state } = await response.json();
      if (!live) this.#show();
      else if (state !== this.#dialog.dataset.state) location.reload();
    } catch {
      // no network just now: nothing is known, and the page says so where it matters
    }
  }

  /** This tab has become the newest by what it sent. @param {number} epoch */
  #tookOver(epoch) {
    this.#dialog.dataset.address = `${new URL(this.#address, location.href).pathname}?epoch=${epoch}`;
    this.#channel.postMessage("opened");
  }

  #show() {
    if (this.#dialog.open) return;
    this.#close();
    window.dispatchEvent(new Event("taken-over"));
    this.#dialog.showModal();
  }

  #close() {
    window.clearInterval(this.#timer);
    this.#channel.close();
  }
}

const dialog = document.getElementById("taken-over");
if (dialog instanceof HTMLDialogElement) new TakenOver(dialog);
