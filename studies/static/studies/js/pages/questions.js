// A page of questions: brings its fields to life, and saves answers as they are given.

import { ExcerptPlayer } from "../questions/excerpt.js";
import { Other } from "../questions/other.js";
import { QuestionForm } from "../questions/question-form.js";
import { TextLength } from "../questions/text-length.js";
import { VisualAnalogue } from "../questions/visual-analogue.js";

const form = /** @type {HTMLFormElement} */ (document.querySelector("form[data-questions]"));
const config = JSON.parse(document.getElementById("questions-config")?.textContent ?? "{}");

for (const question of form.querySelectorAll("[data-question]")) {
  if (!(question instanceof HTMLElement)) continue;
  const part = (/** @type {string} */ selector) => /** @type {HTMLElement | null} */ (question.querySelector(selector));
  const analogue = part("[data-analogue]");
  if (analogue) new VisualAnalogue(analogue);
  const other = part("[data-other]");
  if (other) new Other(other, question);
  if (part("[data-max-length]")) new TextLength(question);
  const excerpt = part("[data-excerpt]");
  if (excerpt) new ExcerptPlayer(excerpt, question).load();
}

new QuestionForm(form, config);
const summary = document.querySelector("[data-error-summary]");
if (summary instanceof HTMLElement) summary.focus();
