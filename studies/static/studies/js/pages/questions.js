// A page of questions: brings to life what several types share, and saves answers as they are given. What one type alone
// needs is in questions/types/.

import { Other } from "../questions/other.js";
import { QuestionForm } from "../questions/question-form.js";
import { TextLength } from "../questions/text-length.js";

const form = /** @type {HTMLFormElement} */ (document.querySelector("form[data-questions]"));
const config = JSON.parse(document.getElementById("questions-config")?.textContent ?? "{}");

for (const question of form.querySelectorAll("[data-question]")) {
  if (!(question instanceof HTMLElement)) continue;
  const other = question.querySelector("[data-other]");
  if (other instanceof HTMLElement) new Other(other, question);
  if (question.querySelector("[data-max-length]")) new TextLength(question);
}

new QuestionForm(form, config);
