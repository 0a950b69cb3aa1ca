/** Shows what keeps a page of questions from going on: a summary above them, and a line with each answer. */
export class Errors {
  #summary = /** @type {HTMLElement} */ (document.querySelector("[data-error-summary]"));
  #questions;

  /** @param {Map<string, HTMLElement>} questions by key */
  constructor(questions) {
    this.#questions = questions;
  }

  /** @param {Record<string, string>} errors item -> what is wrong @param {string} summary HTML of the server */
  show(errors, summary) {
    for (const [key, question] of this.#questions) mark(question, errors[key] ?? "");
    this.#summary.innerHTML = summary;
    this.#summary.hidden = false;
    this.#summary.focus();
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
