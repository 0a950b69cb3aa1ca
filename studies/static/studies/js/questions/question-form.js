import { translate } from "../i18n.js";
import { AnswerQueue } from "./answer-queue.js";
import { visible } from "./conditions.js";
import { Errors, SaveStatus } from "./save-status.js";
import { filled, isChanged, meaningOf, refill, valueOf } from "./fields.js";

const TYPING_MS = 800; // An answer is saved after a pause this long in typing or moving a mark.
const COOKIE_LOST = "cookie_lost";
const PATIENCE_MS = 10_000;
const OTHERS_SAVED = translate("Everything is saved except what is marked above.");

/**
 * @typedef {object} QuestionsConfig
 * @property {string} saveUrl
 * @property {string} resumeUrl redirects to the page that is due
 * @property {number | null} position of the trial that is asked about
 * @property {number | null} pair
 * @property {Record<string, string>} questionnaires maps items to their questionnaires
 * @property {Record<string, import("./conditions.js").When>} conditions maps items to the conditions that show them
 * @property {Record<string, unknown>} known answers of other pages that conditions depend on
 *
 * @typedef {object} Reply
 * @property {number} status 0: the server was not reached, or too slow
 * @property {string} [code]
 * @property {string} [message]
 * @property {string} [next] the address of the next page
 * @property {Record<string, string>} [errors] maps items to error messages
 * @property {string} [summary] HTML
 */

/** The questions of a page: saves each answer when it is given, shows and hides items, and leads to the next page. */
export class QuestionForm {
  #form;
  #config;
  #questions = /** @type {Map<string, HTMLElement>} */ (new Map());
  #epoch;
  #button;
  #status;
  #errors = new Errors(this.#questions);
  #queue = new AnswerQueue((answer) => this.#send(answer));
  #typing = /** @type {Map<string, number>} */ (new Map());
  #sent = /** @type {Map<string, string>} */ (new Map());
  #wrong = /** @type {Set<string>} */ (new Set()); // items with an error message beside them
  #takesOver = false;
  #stopped = ""; // the code for which the server accepts no more answers
  #wantsOn = false; // whether Continue was pressed and has not led on yet
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
      if (state === "saved") this.#showSaved();
      else this.#status.show(state, message);
    };
    this.#queue.onKept = ({ item }) => this.#accept(item);
    this.#queue.onRefused = ({ item }, message) => this.#refuse(item, message);
    this.#queue.onStopped = (code) => this.#stop(code);
    this.#listen();
    const early = [...this.#questions].filter(([, question]) => isChanged(question)); // answered before this ran
    this.#restore();
    for (const [key, question] of this.#questions) this.#sent.set(key, JSON.stringify(valueOf(question)));
    for (const [key] of early) {
      this.#sent.delete(key);
      this.#keep(key);
    }
    this.#showAndHide();
    this.#button.disabled = false;
  }

  #listen() {
    this.#form.addEventListener("input", (event) => this.#changed(event, TYPING_MS));
    this.#form.addEventListener("change", (event) => this.#changed(event, 0));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#goOn();
    });
    this.#form.addEventListener("keep", (event) => {
      if (event instanceof CustomEvent) this.#put(event.detail);
    });
    addEventListener("online", () => this.#queue.settle());
    addEventListener("pageshow", () => this.#arrived());
    addEventListener("beforeunload", (event) => {
      if (!this.#leaving && this.#hasUnsaved) event.preventDefault();
    });
    document.addEventListener("visibilitychange", () => document.hidden && this.#keepAll());
    addEventListener("pagehide", () => this.#keepAll());
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
    if (afterMs === 0) return this.#keep(key);
    this.#status.typing();
    this.#typing.set(key, window.setTimeout(() => this.#keep(key), afterMs));
  }

  /** Saves the answer in a question if it is new. @param {string} key */
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

  /** @param {import("./answer-queue.js").Answer} answer @returns {Promise<Reply>} */
  #send({ item, value, client_id, side }) {
    const questionnaire = this.#config.questionnaires[item] ?? this.#questionnaire;
    return this.#post({ answers: [{ item, value, client_id, side }], questionnaire });
  }

  get #questionnaire() {
    return Object.values(this.#config.questionnaires)[0];
  }

  /** @param {object} content @returns {Promise<Reply>} */
  async #post(content) {
    const { saveUrl, position, pair } = this.#config;
    const epoch = Number(this.#epoch.value);
    const body = { ...content, epoch, position, pair, take_over: this.#takesOver };
    try {
      const response = await fetch(saveUrl, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": this.#csrfToken },
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(PATIENCE_MS),
      });
      const reply = await response.json().catch(() => ({}));
      if (reply.epoch !== undefined) {
        if (this.#takesOver) window.dispatchEvent(new CustomEvent("took-over", { detail: reply.epoch }));
        this.#takesOver = false;
        this.#epoch.value = String(reply.epoch);
      }
      if (response.status === 403) reply.code ??= COOKIE_LOST; // Only the CSRF check answers 403 without a code.
      return { ...reply, status: response.status };
    } catch {
      return { status: 0 };
    }
  }

  get #csrfToken() {
    const field = this.#form.elements.namedItem("csrfmiddlewaretoken");
    return field instanceof HTMLInputElement ? field.value : "";
  }

  /** Says that all answers are saved, but never beside an error. */
  #showSaved() {
    if (this.#wrong.size > 0) this.#status.show("saved", OTHERS_SAVED);
    else this.#status.show(this.#errors.isShown ? "idle" : "saved", "");
  }

  /** @param {string} key of an item whose answer is stored */
  #accept(key) {
    this.#wrong.delete(key);
    this.#complain(key, "");
    this.#errors.clear(key);
  }

  /** @param {string} key @param {string} message why its answer is not stored */
  #refuse(key, message) {
    this.#wrong.add(key);
    this.#complain(key, message);
  }

  /** Shows a message at a question, or removes it if it is empty. @param {string} key @param {string} message */
  #complain(key, message) {
    const place = this.#questions.get(key)?.querySelector("[data-unsaved]");
    if (!(place instanceof HTMLElement)) return;
    place.textContent = message;
    place.hidden = message === "";
  }

  #takeOver() {
    this.#takesOver = true;
    this.#stopped = "";
    this.#queue.resume();
    if (this.#wantsOn) this.#goOn();
  }

  /** The server accepts no more answers from this page as it is. @param {string} code */
  #stop(code) {
    this.#stopped = code;
    this.#status.offerTakeOver(code === "taken_over");
  }

  #showAndHide() {
    const answers = { ...this.#config.known };
    for (const [key, question] of this.#questions) answers[key] = meaningOf(question);
    const shown = visible([...this.#questions.keys()], this.#config.conditions, answers);
    for (const [key, question] of this.#questions) {
      const appears = question.hidden && shown.has(key);
      question.hidden = !shown.has(key);
      if (appears) this.#sent.delete(key); // While hidden, its answer was taken back, so it must be sent again.
      if (appears && valueOf(question) !== null) this.#keep(key);
    }
  }

  async #goOn() {
    if (this.#button.getAttribute("aria-disabled") === "true") return;
    this.#button.setAttribute("aria-disabled", "true");
    this.#wantsOn = true;
    this.#keepAll();
    const state = await this.#queue.settle();
    if (state === "waiting") this.#wait();
    else if (state === "saved") this.#arrange(await this.#post(this.#everything));
    else if (this.#stopped === COOKIE_LOST) this.#comeAnew();
    else if (this.#stopped !== "taken_over") this.#leave(this.#config.resumeUrl);
    if (!this.#leaving) this.#button.removeAttribute("aria-disabled");
  }

  /** The message with the answers to all items that are shown, which leads to the next page. */
  get #everything() {
    const shown = [...this.#questions].filter(([, question]) => !question.hidden);
    const answers = shown.map(([item, question]) => ({ item, value: valueOf(question) }));
    return { answers, questionnaire: this.#questionnaire, go_on: true };
  }

  /** Handles the reply to the answers of the whole page. @param {Reply} reply */
  #arrange({ status, code = "", message = "", next, errors, summary = "" }) {
    if (next !== undefined) this.#leave(next);
    else if (errors !== undefined) {
      this.#wantsOn = false;
      for (const key of this.#questions.keys()) this.#complain(key, "");
      this.#wrong = new Set(Object.keys(errors));
      this.#errors.show(errors, summary);
      this.#showSaved();
    } else if (code === "paused") this.#leave(this.#config.resumeUrl); // The page there says so.
    else if (status === 0 || status === 429 || status >= 500) this.#wait();
    else if (code === "taken_over") this.#stop(code);
    else if ([400, 413].includes(status)) this.#status.show("stopped", message);
    else if (code === COOKIE_LOST) this.#comeAnew();
    else this.#leave(this.#config.resumeUrl);
  }

  #wait() {
    this.#wantsOn = false;
    this.#status.show("waiting", translate("You cannot continue without a connection. Your answers stay on this page until they can be sent."));
  }

  /** @param {string} address */
  #leave(address) {
    this.#leaving = true;
    sessionStorage.removeItem(this.#store);
    location.assign(address);
  }

  /** Reloads the page, which sets its cookie again. Answers that are not saved are restored and sent. */
  #comeAnew() {
    this.#remember();
    this.#leaving = true;
    location.reload();
  }

  /** Enables Continue when the page is shown, also when the browser restores it from the history. */
  #arrived() {
    this.#leaving = false;
    this.#button.removeAttribute("aria-disabled");
  }

  /** Stores unsaved answers for a reload. Those that have arrived must be removed; if they were sent again, they would
   * replace answers that were given elsewhere since. */
  #remember() {
    const unsaved = this.#queue.unsaved;
    if (unsaved.length > 0 && !this.#leaving) sessionStorage.setItem(this.#store, JSON.stringify(unsaved));
    else sessionStorage.removeItem(this.#store);
  }

  /** Restores and sends the answers that were not saved when the page was reloaded. */
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

/** Returns a random UUID. `crypto.randomUUID` exists only on secure pages. */
function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
