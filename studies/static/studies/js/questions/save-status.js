import { translate } from "../i18n.js";

/** The line that says whether the answers of a page are saved, and the offer to continue in this tab. */
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

  /** @param {import("./answer-queue.js").State} state @param {string} message from the server; "" for the default */
  show(state, message) {
    this.#line.dataset.state = state;
    const text = message || words(state);
    if (this.#line.textContent !== text) this.#line.textContent = text;
  }

  /** Something is being typed, so that not everything is saved any more. */
  typing() {
    if (this.#line.dataset.state === "saved") this.show("idle", "");
  }

  /** @param {boolean} offered */
  offerTakeOver(offered) {
    this.#offer.hidden = !offered;
    if (offered) this.show("stopped", translate("This session has since been opened in another tab or on another device. Your last answer is not saved yet."));
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
      return translate("Not saved yet: the server cannot be reached. Your answers stay on this page and are sent again.");
    case "stopped":
      return translate("Your last answer is not saved. Please reload this page.");
    default:
      return "";
  }
}

/** Shows the errors that keep a page of questions from continuing: a summary on top, and a line at each question. */
export class Errors {
  #summary = /** @type {HTMLElement} */ (document.querySelector("[data-error-summary]"));
  #questions;
  #left = /** @type {Set<string>} */ (new Set()); // keys of the questions that are marked

  /** @param {Map<string, HTMLElement>} questions by key */
  constructor(questions) {
    this.#questions = questions;
  }

  get isShown() {
    return !this.#summary.hidden;
  }

  /** @param {Record<string, string>} errors maps items to messages @param {string} summary HTML from the server */
  show(errors, summary) {
    for (const [key, question] of this.#questions) mark(question, errors[key] ?? "");
    this.#left = new Set(Object.keys(errors));
    this.#summary.innerHTML = summary;
    this.#summary.hidden = false;
    this.#summary.focus();
  }

  /** Removes the error at a question, and the summary with the last one. @param {string} key */
  clear(key) {
    const question = this.#questions.get(key);
    if (question === undefined || !this.#left.delete(key)) return;
    mark(question, "");
    if (this.#left.size === 0) this.#summary.hidden = true;
  }
}

/** @param {HTMLElement} question @param {string} message */
function mark(question, message) {
  question.classList.toggle("field--error", message !== "");
  const line = question.querySelector("[data-error]");
  if (line instanceof HTMLElement) {
    line.textContent = message;
    line.hidden = message === "";
  }
  for (const control of question.querySelectorAll("[data-validity]"))
    if (message === "") control.removeAttribute("aria-invalid");
    else control.setAttribute("aria-invalid", "true");
}
