import { translate } from "../i18n.js";

/** The line that says whether the answers of a page are saved, and the offer to go on in this tab. */
export class SaveStatus {
  #line;
  #offer;

  /** @param {HTMLElement} form @param {() => void} takeOver */
  constructor(form, takeOver) {
    this.#line = /** @type {HTMLElement} */ (form.querySelector("[data-save-status]"));
    this.#offer = /** @type {HTMLElement} */ (form.querySelector("[data-taken-over]"));
    this.#offer.querySelector("[data-take-over]")?.addEventListener("click", () => {
      this.offerTakeOver(false);
      takeOver();
    });
  }

  /** @param {import("./answer-queue.js").State} state @param {string} message from the server, in place of ours */
  show(state, message) {
    this.#line.dataset.state = state;
    const text = message || words(state);
    if (this.#line.textContent !== text) this.#line.textContent = text;
  }

  /** @param {boolean} offered */
  offerTakeOver(offered) {
    this.#offer.hidden = !offered;
    if (offered) this.show("stopped", translate("This visit was opened in another tab or on another device since. Your last answer is not saved yet."));
  }
}

/** @param {import("./answer-queue.js").State} state */
function words(state) {
  switch (state) {
    case "saving":
      return translate("Saving …");
    case "saved":
      return translate("All your answers are saved.");
    case "waiting":
      return translate("Not saved yet: the server cannot be reached. Your answers wait on this page and are sent again.");
    case "stopped":
      return translate("Your last answer is not saved. Please load this page again.");
    default:
      return "";
  }
}
