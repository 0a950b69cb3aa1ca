// Detects that the session was opened in a newer tab or on another device, or that its state has changed. A newer tab
// of the same browser announces itself; other devices are detected by asking the server.

const POLL_MS = 5_000;

/** Covers the page for good, because nothing that it sends is accepted any more. */
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
    window.addEventListener("pageshow", (event) => event.persisted && this.#ask()); // restored from the history
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
      // Without a network nothing is known. The page reports this where it matters.
    }
  }

  /** This tab has become the newest one by a message that it sent. @param {number} epoch */
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
