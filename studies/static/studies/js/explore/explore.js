import { translate } from "../i18n.js";
import { Talk } from "../talk/talk.js";
import { Choices } from "./choices.js";
import { ExploreView } from "./explore-view.js";
import { MicrophoneCheck } from "./microphone-check.js";
import { OwnTalks } from "./own-talks.js";
import { VoicePreviews } from "./voice-previews.js";

/**
 * @typedef {object} ExploreConfig
 * @property {string} consentUrl
 * @property {string} talksUrl starts a take of what is chosen
 * @property {string} againUrl starts a take in which a recorded question is asked again
 * @property {string} talkUrl one talk of the list, for a placeholder in it
 * @property {string} hereUrl makes this tab the newest one
 * @property {string} doneUrl
 * @property {string} previewUrl
 * @property {string} sampleUrl
 * @property {number} limitMs
 * @property {import("../audio/microphone.js").CaptureSettings} capture
 * @property {boolean} hearYourself
 * @property {string[]} agreed purposes
 * @property {number | null} ownPitchHz of the visitor's newest talk
 * @property {boolean} listen whether the microphone was allowed before this script had come
 */

/** The page of an explore study: consent, microphone, choices, the talk, and the talks so far. */
export class Explore {
  #root;
  #config;
  #csrfToken;
  #choices;
  #check;
  #previews;
  #talks;

  /** @param {HTMLElement} root @param {ExploreConfig} config @param {string} csrfToken */
  constructor(root, config, csrfToken) {
    this.#root = root;
    this.#config = config;
    this.#csrfToken = csrfToken;
    const form = /** @type {HTMLFormElement} */ (this.#part("choices"));
    const choices = (this.#choices = new Choices(form, config.agreed));
    this.#check = new MicrophoneCheck(
      { allow: this.#part("allow"), level: this.#part("level"), verdict: this.#part("verdict") },
      config.capture,
    );
    this.#previews = new VoicePreviews(form, choices, config);
    this.#check.onSentence = (pcm) => this.#previews.spoken(pcm);
    this.#previews.onPitch = (ownHz) => choices.describe(ownHz);
    if (config.ownPitchHz !== null) choices.describe(config.ownPitchHz);
    this.#talks = this.#openTalks();
    this.#openTalk();
    this.#openConsent();
    this.#openDone();
    if (!config.listen) return;
    history.replaceState(null, "", location.pathname); // Loading the page again does not open the microphone.
    this.#begin();
  }

  #openTalks() {
    const dialog = /** @type {HTMLDialogElement} */ (this.#part("confirm-dialog"));
    const talks = new OwnTalks(this.#part("talks"), dialog, this.#config, this.#csrfToken);
    talks.onQuestion = (url) => (this.#previews.last = url);
    talks.onAsking = (asking) => (/** @type {HTMLButtonElement} */ (this.#part("start")).disabled = asking);
    return talks;
  }

  #openTalk() {
    const view = new ExploreView(this.#root);
    const { talksUrl, hereUrl, doneUrl, limitMs, capture, hearYourself } = this.#config;
    const choices = this.#choices;
    const config = {
      hereUrl,
      doneUrl,
      limitMs,
      capture,
      hearYourself,
      get takesUrl() {
        const url = new URL(talksUrl, location.href);
        for (const [name, value] of Object.entries(choices.chosen)) url.searchParams.set(name, value);
        return url.href;
      },
    };
    view.onTalk = (talking) => {
      if (talking) {
        this.#check.close();
        this.#previews.stop();
      }
      choices.open = !talking;
      this.#talks.talking = talking;
    };
    view.onTake = (take) => this.#talks.add(take);
    new Talk(this.#root, config, this.#csrfToken, view);
  }

  // consent

  #openConsent() {
    const form = this.#root.querySelector('[data-part="consent"]');
    if (!(form instanceof HTMLFormElement)) return;
    form.addEventListener("submit", (event) => {
      const button = event.submitter;
      if (!(button instanceof HTMLButtonElement) || button.value === "decline") return; // It leaves the page.
      event.preventDefault();
      if (button.value === "agree_all" || form.reportValidity()) this.#agree(form, button);
    });
  }

  /** @param {HTMLFormElement} form @param {HTMLButtonElement} button */
  async #agree(form, button) {
    const body = new FormData(form, button);
    button.disabled = true;
    const headers = { Accept: "application/json", "X-CSRFToken": this.#csrfToken };
    const response = await fetch(this.#config.consentUrl, { method: "POST", body, headers }).catch(() => null);
    if (response === null || !response.ok || response.redirected) {
      button.disabled = false;
      const problem = /** @type {HTMLElement} */ (form.querySelector('[data-part="consent-problem"]'));
      problem.hidden = false;
      problem.textContent = translate("This could not be sent. Check your connection, then try again, or reload the page.");
      return;
    }
    this.#choices.agreed = (await response.json()).agreed;
    form.remove();
    this.#part("stage").hidden = false;
    this.#part("done-row").hidden = false;
    delete this.#root.dataset.undecided;
    await this.#begin();
  }

  /** It has been agreed to: whoever uses the keyboard is led to the next step. */
  async #begin() {
    this.#part("start").focus();
    await this.#check.open();
  }

  // leaving

  #openDone() {
    const dialog = /** @type {HTMLDialogElement} */ (this.#part("done-dialog"));
    this.#part("done").addEventListener("click", () => dialog.showModal());
    this.#part("stay").addEventListener("click", () => dialog.close());
  }

  /** @param {string} name */
  #part(name) {
    const element = this.#root.querySelector(`[data-part="${name}"]`);
    if (!(element instanceof HTMLElement)) throw new Error(`the page lacks its part ${name}`);
    return element;
  }
}
