import { translate, translatePlural } from "../../i18n.js";
import { clock, element, PlayButton } from "../../players/elements.js";
import { Listened } from "../../players/listened.js";
import { fetchRecording, RecordingProblem } from "../../players/recording.js";

const LOOK_MS = 100;

/**
 * `<div data-excerpt data-src data-status-url data-start-sec data-end-sec? data-max-plays? data-must-listen?>` with two
 * hidden fields beside it: plays a part of a recording, and counts how often it was started and how many seconds of it
 * were heard. Changes dispatch `change` at the first field.
 */
class ExcerptPlayer {
  #root;
  #plays;
  #listenedSec;
  #button = new PlayButton(translate("recording"));
  #bar = element("progress", "excerpt__bar");
  #time = element("span", "excerpt__time");
  #note = element("p", "excerpt__note");
  #retry = element("button", "button button--small", translate("Try again"));
  #context = /** @type {AudioContext | null} */ (null);
  #buffer = /** @type {AudioBuffer | null} */ (null);
  #source = /** @type {AudioBufferSourceNode | null} */ (null);
  #startedAt = 0; // context time of position 0
  #position = 0; // seconds within the excerpt
  #timer = 0;
  #listened = new Listened(0);

  /** @param {HTMLElement} root @param {HTMLElement} question */
  constructor(root, question) {
    this.#root = root;
    this.#plays = /** @type {HTMLInputElement} */ (question.querySelector("[data-plays]"));
    this.#listenedSec = /** @type {HTMLInputElement} */ (question.querySelector("[data-listened-sec]"));
    this.#button.element.disabled = true;
    this.#button.element.addEventListener("click", () => (this.#source ? this.pause() : this.#play()));
    this.#bar.ariaLabel = translate("Playback position");
    this.#bar.value = 0;
    this.#note.role = "status";
    this.#retry.type = "button";
    this.#retry.hidden = true;
    this.#retry.addEventListener("click", () => this.load());
    root.replaceChildren(this.#button.element, this.#bar, this.#time, this.#note, this.#retry);
  }

  async load() {
    this.#retry.hidden = true;
    const { src = "", statusUrl } = this.#root.dataset;
    try {
      const progress = (/** @type {string} */ text) => this.#say(`${text} …`);
      const blob = await fetchRecording(src, statusUrl, progress, new AbortController().signal);
      this.#context ??= new AudioContext();
      this.#buffer = await this.#context.decodeAudioData(await blob.arrayBuffer());
    } catch (error) {
      const known = error instanceof RecordingProblem;
      if (!known && !(error instanceof DOMException)) throw error;
      this.#say(known ? error.message : translate("This recording cannot be played in this browser."));
      this.#retry.hidden = false;
      return;
    }
    this.#listened = new Listened(this.#durationSec);
    this.#bar.max = this.#durationSec;
    this.#root.dataset.ready = "";
    this.#draw();
  }

  pause() {
    if (this.#source === null) return;
    this.#position = this.#now;
    this.#stop();
    this.#report();
  }

  get #startSec() {
    return Number(this.#root.dataset.startSec);
  }

  get #durationSec() {
    const endSec = Number(this.#root.dataset.endSec ?? Infinity);
    return Math.max(0, Math.min(endSec, this.#buffer?.duration ?? 0) - this.#startSec);
  }

  get #maxPlays() {
    return Number(this.#root.dataset.maxPlays ?? Infinity);
  }

  get #now() {
    const context = /** @type {AudioContext} */ (this.#context);
    return Math.max(0, Math.min(this.#durationSec, context.currentTime - this.#startedAt));
  }

  get #isUsedUp() {
    return this.#position === 0 && Number(this.#plays.value) >= this.#maxPlays;
  }

  async #play() {
    const context = this.#context;
    if (context === null || this.#buffer === null || this.#isUsedUp) return;
    await context.resume();
    if (this.#source !== null) return; // a second click, while the first one waited
    if (this.#position === 0) this.#plays.value = String(Number(this.#plays.value) + 1);
    this.#source = new AudioBufferSourceNode(context, { buffer: this.#buffer });
    this.#source.connect(context.destination);
    this.#source.onended = () => this.#ended();
    this.#startedAt = context.currentTime - this.#position;
    this.#source.start(0, this.#startSec + this.#position, this.#durationSec - this.#position);
    this.#timer = window.setInterval(() => this.#draw(), LOOK_MS);
    this.#draw();
    this.#report();
  }

  #ended() {
    this.#listened.note(this.#durationSec);
    this.#position = 0;
    this.#stop();
    this.#report();
  }

  #stop() {
    clearInterval(this.#timer);
    if (this.#source !== null) {
      this.#source.onended = null;
      this.#source.stop();
      this.#source = null;
    }
    this.#listened.interrupt();
    this.#draw();
  }

  #report() {
    const seconds = Math.max(Number(this.#listenedSec.value), this.#listened.seconds);
    this.#listenedSec.value = seconds.toFixed(1);
    this.#plays.dispatchEvent(new Event("change", { bubbles: true }));
    this.#draw();
  }

  #draw() {
    const now = this.#source ? this.#now : this.#position;
    if (this.#source) this.#listened.note(now);
    this.#button.playing = this.#source !== null;
    this.#button.element.disabled = this.#buffer === null || (this.#source === null && this.#isUsedUp);
    this.#bar.value = now;
    this.#time.textContent = `${clock(now)} / ${clock(this.#durationSec)}`;
    this.#say(this.#words);
  }

  get #words() {
    const left = this.#maxPlays - Number(this.#plays.value);
    if (this.#source !== null) return "";
    if (left <= 0 && this.#position === 0) return translate("It has been played as often as allowed.");
    if (Number.isFinite(left) && this.#position === 0)
      return translatePlural("It can be played %(n)s time.", "It can be played %(n)s times.", left);
    const heard = Number(this.#listenedSec.value) >= 0.9 * this.#durationSec;
    return "mustListen" in this.#root.dataset && !heard ? translate("Please listen to the end.") : "";
  }

  /** @param {string} text */
  #say(text) {
    if (this.#note.textContent !== text) this.#note.textContent = text;
    this.#note.hidden = text === "";
  }
}

for (const root of document.querySelectorAll("[data-excerpt]")) {
  const question = root.closest("[data-question]");
  if (root instanceof HTMLElement && question instanceof HTMLElement) new ExcerptPlayer(root, question).load();
}
