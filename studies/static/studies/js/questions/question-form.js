import { translate } from "../i18n.js";
import { AnswerQueue } from "./answer-queue.js";
import { visible } from "./conditions.js";
import { filled, isChanged, meaningOf, refill, valueOf } from "./fields.js";
import { SaveStatus } from "./save-status.js";

const TYPING_MS = 800; // a pause in typing, or in moving a mark
const PATIENCE_MS = 10_000;

/**
 * @typedef {object} QuestionsConfig
 * @property {string} saveUrl
 * @property {number | null} position of the trial that is asked about
 * @property {number | null} pair
 * @property {Record<string, string>} questionnaires item -> its questionnaire
 * @property {Record<string, import("./conditions.js").When>} conditions item -> what it is shown on
 * @property {Record<string, unknown>} known answers of other pages that conditions depend on
 */

/** The questions of a page: saves each answer when it is given, shows and hides, and goes on when all is saved. */
export class QuestionForm {
  #form;
  #config;
  #questions = /** @type {Map<string, HTMLElement>} */ (new Map());
  #epoch;
  #button;
  #status;
  #queue = new AnswerQueue((answer) => this.#send(answer));
  #typing = /** @type {Map<string, number>} */ (new Map());
  #sent = /** @type {Map<string, string>} */ (new Map());
  #takesOver = false;
  #leaving = false;

  /** @param {HTMLFormElement} form @param {QuestionsConfig} config */
  constructor(form, config) {
    this.#form = form;
    this.#config = config;
    this.#epoch = /** @type {HTMLInputElement} */ (form.elements.namedItem("epoch"));
    this.#button = /** @type {HTMLButtonElement} */ (form.querySelector("button[type=submit]"));
    this.#status = new SaveStatus(form, () => this.#takeOver());
    for (const question of form.querySelectorAll("[data-question]"))
      if (question instanceof HTMLElement) this.#questions.set(question.dataset.question ?? "", question);
    this.#queue.onState = (state, message) => {
      this.#remember();
      this.#status.show(state, message);
    };
    this.#queue.onKept = ({ item }) => this.#complain(item, "");
    this.#queue.onRefused = ({ item }, message) => this.#complain(item, message);
    this.#queue.onStopped = (code) => this.#status.offerTakeOver(code === "taken_over");
    this.#listen();
    const early = [...this.#questions].filter(([, question]) => isChanged(question)); // answered before this script ran
    this.#restore();
    for (const [key, question] of this.#questions) this.#sent.set(key, JSON.stringify(valueOf(question)));
    for (const [key] of early) {
      this.#sent.delete(key);
      this.#keep(key);
    }
    this.#showAndHide();
  }

  #listen() {
    this.#form.addEventListener("input", (event) => this.#changed(event, TYPING_MS));
    this.#form.addEventListener("change", (event) => this.#changed(event, 0));
    this.#form.addEventListener("submit", (event) => this.#goOn(event));
    this.#form.addEventListener("keep", (event) => {
      if (event instanceof CustomEvent) this.#put(event.detail);
    });
    addEventListener("online", () => this.#queue.settle());
    addEventListener("pageshow", () => this.#arrived());
    addEventListener("beforeunload", (event) => {
      if (!this.#leaving && this.#hasUnsaved) event.preventDefault();
    });
    document.addEventListener("visibilitychange", () => document.hidden && this.#keepAll());
  }

  get #hasUnsaved() {
    return this.#typing.size > 0 || this.#queue.unsaved.length > 0;
  }

  get #store() {
    return `unsaved:${location.pathname}`;
  }

  /** @param {Event} event @param {number} afterMs */
  #changed(event, afterMs) {
    const question = event.target instanceof Element ? event.target.closest("[data-question]") : null;
    if (!(question instanceof HTMLElement)) return;
    const key = question.dataset.question ?? "";
    this.#showAndHide();
    clearTimeout(this.#typing.get(key));
    this.#typing.delete(key);
    if (afterMs === 0) this.#keep(key);
    else this.#typing.set(key, window.setTimeout(() => this.#keep(key), afterMs));
  }

  /** Saves what stands in a question, if it is something new. @param {string} key */
  #keep(key) {
    clearTimeout(this.#typing.get(key));
    this.#typing.delete(key);
    const question = this.#questions.get(key);
    if (question === undefined) return;
    const value = valueOf(question);
    if (this.#sent.get(key) === JSON.stringify(value)) return;
    this.#sent.set(key, JSON.stringify(value));
    this.#put({ item: key, value, fields: filled(question) });
  }

  #keepAll() {
    for (const key of [...this.#typing.keys()]) this.#keep(key);
  }

  /** @param {Omit<import("./answer-queue.js").Answer, "client_id">} answer */
  #put(answer) {
    this.#queue.put({ ...answer, client_id: newId() });
    this.#remember();
  }

  /** @param {import("./answer-queue.js").Answer} answer @returns {Promise<import("./answer-queue.js").Outcome>} */
  async #send({ item, value, client_id, side }) {
    const { saveUrl, position, pair, questionnaires } = this.#config;
    const questionnaire = questionnaires[item] ?? Object.values(questionnaires)[0];
    const epoch = Number(this.#epoch.value);
    const body = { item, value, client_id, side, epoch, position, pair, questionnaire, take_over: this.#takesOver };
    try {
      const response = await fetch(saveUrl, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": this.#csrfToken },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      const answer = await response.json().catch(() => ({}));
      if (response.ok) {
        if (this.#takesOver) window.dispatchEvent(new CustomEvent("took-over", { detail: answer.epoch }));
        this.#takesOver = false;
        this.#epoch.value = String(answer.epoch);
      }
      return { status: response.status, code: answer.code, message: answer.message };
    } catch {
      return { status: 0 }; // not reached, or too slow
    }
  }

  get #csrfToken() {
    const field = this.#form.elements.namedItem("csrfmiddlewaretoken");
    return field instanceof HTMLInputElement ? field.value : "";
  }

  /** Puts the words with the question, or takes them away. @param {string} key @param {string} message */
  #complain(key, message) {
    const place = this.#questions.get(key)?.querySelector("[data-unsaved]");
    if (!(place instanceof HTMLElement)) return;
    place.textContent = message;
    place.hidden = message === "";
  }

  #takeOver() {
    this.#takesOver = true;
    this.#queue.resume();
  }

  #showAndHide() {
    const answers = { ...this.#config.known };
    for (const [key, question] of this.#questions) answers[key] = meaningOf(question);
    const shown = visible([...this.#questions.keys()], this.#config.conditions, answers);
    for (const [key, question] of this.#questions) {
      const appears = question.hidden && shown.has(key);
      question.hidden = !shown.has(key);
      if (appears) this.#sent.delete(key); // hidden, it was taken back; what stands in it counts again
      if (appears && valueOf(question) !== null) this.#keep(key);
    }
  }

  /** @param {Event} event */
  async #goOn(event) {
    event.preventDefault();
    if (this.#button.getAttribute("aria-disabled") === "true") return;
    this.#button.setAttribute("aria-disabled", "true");
    this.#keepAll();
    const state = await this.#queue.settle();
    if (state === "waiting") {
      this.#button.removeAttribute("aria-disabled");
      this.#status.show("waiting", translate("You cannot go on without a connection. Your answers wait on this page."));
      return;
    }
    this.#leaving = true;
    sessionStorage.removeItem(this.#store); // the form says all of it
    this.#form.submit();
  }

  /** Also when the browser shows the page again as it was left. */
  #arrived() {
    this.#leaving = false;
    this.#button.removeAttribute("aria-disabled");
  }

  /** So that a reload finds it. What has arrived must be forgotten: sent again, it would stand against what was answered
   * elsewhere since. */
  #remember() {
    const unsaved = this.#queue.unsaved;
    if (unsaved.length > 0 && !this.#leaving) sessionStorage.setItem(this.#store, JSON.stringify(unsaved));
    else sessionStorage.removeItem(this.#store);
  }

  /** What was not saved when the page was loaded again. */
  #restore() {
    const unsaved = /** @type {import("./answer-queue.js").Answer[]} */ (
      JSON.parse(sessionStorage.getItem(this.#store) ?? "[]")
    );
    for (const answer of unsaved) {
      const question = this.#questions.get(answer.item);
      if (question !== undefined && answer.fields) refill(question, answer.fields);
      this.#queue.put(answer);
    }
  }
}

/** A random UUID, also where a page is not secure (`crypto.randomUUID` is not there then). */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
