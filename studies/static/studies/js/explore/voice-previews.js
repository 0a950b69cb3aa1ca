import { translate } from "../i18n.js";
import { loadSentence } from "../preview/load-sentence.js";
import { PreviewProblem, PreviewSocket } from "../preview/preview-socket.js";
import { VoicePlayer } from "../preview/voice-player.js";
import { SAMPLE_RATE_HZ } from "../contract/audio.js";
import { effectOf } from "./voice-effect.js";

const MAX_SAMPLES = 6 * SAMPLE_RATE_HZ;

/** Plays what the visitor said last in each voice that is offered; before they said anything, the sample sentence. */
export class VoicePreviews {
  onPitch = (/** @type {number} */ _ownHz) => {}; // the visitor's own pitch is known
  #choices;
  #socket;
  #player = new VoicePlayer();
  #ownNumber = /** @type {number | null} */ (null);
  #ownHz;
  #sampleUrl;
  #lastUrl = "";
  #loaded = ""; // what the socket has: an address, or "spoken"
  #playing = /** @type {HTMLButtonElement | null} */ (null);

  /**
   * @param {HTMLFormElement} form @param {import("./choices.js").Choices} choices
   * @param {{previewUrl: string, sampleUrl: string, ownPitchHz: number | null}} config
   */
  constructor(form, choices, { previewUrl, sampleUrl, ownPitchHz }) {
    this.#choices = choices;
    this.#socket = new PreviewSocket(previewUrl);
    this.#sampleUrl = sampleUrl;
    this.#ownHz = ownPitchHz;
    this.#player.onState = (playing) => !playing && this.#stopped();
    for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (form.querySelectorAll("[data-hear]"))) {
      button.addEventListener("click", () => this.#toggle(button));
      const input = voiceOf(button);
      const changes = input.dataset.f0Ratio || input.dataset.f0TargetHz;
      if (!changes) this.#ownNumber ??= Number(button.dataset.hear);
    }
    addEventListener("pagehide", () => this.close());
  }

  /** Takes what the visitor said, and finds their pitch in it. @param {Int16Array<ArrayBuffer>} pcm at 24 kHz */
  async spoken(pcm) {
    this.#socket.sentence = pcm;
    this.#loaded = "spoken";
    if (this.#ownNumber === null) return;
    try {
      const { pitchHz } = await this.#socket.render({ voice: this.#ownNumber });
      if (pitchHz !== null) this.#know(pitchHz);
    } catch (error) {
      if (!(error instanceof PreviewProblem)) throw error; // Nothing is said of the voices then.
    }
  }

  /** @param {string} url of a recording of what the visitor said last */
  set last(url) {
    this.#lastUrl = url;
  }

  stop() {
    this.#player.stop();
  }

  close() {
    this.#player.close();
    this.#socket.close();
  }

  /** @param {number} ownHz */
  #know(ownHz) {
    this.#ownHz = ownHz;
    this.onPitch(ownHz);
  }

  /** @param {HTMLButtonElement} button */
  async #toggle(button) {
    const stopping = this.#playing === button;
    this.#player.unlock(); // must be called while the click is handled
    this.#player.stop();
    if (stopping) return;
    const voice = voiceOf(button).value;
    button.disabled = true;
    try {
      await this.#load();
      const { samples, pitchHz } = await this.#socket.render({ voice: Number(button.dataset.hear) });
      this.#player.play(samples);
      this.#playing = button;
      button.textContent = "■";
      if (pitchHz !== null && this.#ownHz !== null && this.#loaded !== this.#sampleUrl)
        this.#choices.say(voice, effectOf(this.#ownHz, pitchHz));
    } catch (error) {
      if (error instanceof PreviewProblem) this.#choices.say(voice, error.message);
      else if (error instanceof TypeError || error instanceof DOMException)
        this.#choices.say(voice, translate("The sentence could not be loaded. Please try again."));
      else throw error;
    } finally {
      button.disabled = false;
    }
  }

  async #load() {
    const wanted = this.#lastUrl || (this.#loaded === "spoken" ? "spoken" : this.#sampleUrl);
    if (wanted === this.#loaded) return;
    const pcm = await loadSentence(wanted);
    this.#socket.sentence = pcm.slice(0, MAX_SAMPLES);
    this.#loaded = wanted;
  }

  #stopped() {
    if (this.#playing !== null) this.#playing.textContent = "▶";
    this.#playing = null;
  }
}

/** @param {HTMLElement} button */
function voiceOf(button) {
  return /** @type {HTMLInputElement} */ (button.closest(".explore__option")?.querySelector("input[name=voice]"));
}
