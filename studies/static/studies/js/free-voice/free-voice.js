import { translate, language } from "../i18n.js";
import { Meter } from "../audio/meter.js";
import { MicrophoneProblem } from "../audio/microphone-problem.js";
import { MicrophoneChoice } from "../audio/microphone-choice.js";
import { loadSentence } from "../preview/load-sentence.js";
import { PreviewProblem, PreviewSocket } from "../preview/preview-socket.js";
import { SentenceRecorder } from "../preview/sentence-recorder.js";
import { VoicePlayer } from "../preview/voice-player.js";

const SPEAK_SEC = 5;
const SETTLE_MS = 120; // A voice is rendered once its sliders have not moved for this long.

/**
 * @typedef {object} VoiceConfig
 * @property {import("../audio/microphone.js").CaptureSettings} capture
 * @property {string} previewUrl
 * @property {string} sampleUrl
 */

/**
 * Sliders for a voice, and a sentence that is played in it at once. When a slider moves, playback continues at the same
 * place in the new voice.
 */
export class FreeVoice {
  #root;
  #socket;
  #recorder;
  #sliders;
  #player = new VoicePlayer();
  #settling = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
  #rendering = false;
  #outdated = false; // whether the sliders have moved since the current rendering was requested
  #ready = false; // whether there is a sentence

  /** @param {HTMLFormElement} root @param {VoiceConfig} config */
  constructor(root, config) {
    this.#root = root;
    this.#socket = new PreviewSocket(config.previewUrl);
    this.#recorder = new SentenceRecorder(config.capture);
    const meter = new Meter(this.#part("meter"));
    this.#recorder.onLevel = (level) => meter.show(level);
    this.#recorder.onLeft = (sec) =>
      this.#say("", sec > 0 ? translate("Speak now: %(seconds)s", { seconds: sec }) : "");
    this.#sliders = new VoiceSliders(root);
    this.#sliders.onChange = () => this.#moved();
    this.#player.onState = (playing) => this.#played(playing);
    this.#on("record", () => this.#take(() => this.#record()));
    this.#on("sample", () => this.#take(() => loadSentence(config.sampleUrl)));
    this.#on("play", () => (this.#player.playing ? this.#player.stop() : this.#player.replay()));
    const loop = /** @type {HTMLInputElement} */ (this.#part("loop"));
    loop.addEventListener("change", () => (this.#player.loop = loop.checked));
    root.addEventListener("submit", () => this.#close());
    addEventListener("pagehide", () => this.#close());
  }

  // the sentence

  /** @param {() => Promise<Int16Array<ArrayBuffer>>} load */
  async #take(load) {
    this.#player.unlock(); // must be called while the click is handled
    this.#player.stop();
    this.#enable(false);
    try {
      this.#socket.sentence = await load();
      this.#ready = true;
      await this.#render(true);
    } catch (error) {
      if (error instanceof MicrophoneProblem) this.#say("error", `${error.title}. ${error.message}`);
      else if (error instanceof TypeError || error instanceof DOMException)
        this.#say(
          "error",
          translate("The sample could not be loaded. Please try again, or record a sentence of your own."),
        );
      else throw error;
    }
    this.#enable(true);
  }

  async #record() {
    this.#part("meter").hidden = false;
    try {
      return await this.#recorder.record(SPEAK_SEC, MicrophoneChoice.remembered);
    } finally {
      this.#part("meter").hidden = true;
      this.#part("record").textContent = translate("Record again");
    }
  }

  // the voice

  #moved() {
    clearTimeout(this.#settling);
    if (this.#ready) this.#settling = setTimeout(() => this.#render(false), SETTLE_MS);
  }

  /** @param {boolean} afresh whether to play from the start of the sentence, or to continue at the current place */
  async #render(afresh) {
    if (this.#rendering) {
      this.#outdated = true;
      return;
    }
    this.#rendering = true;
    try {
      do {
        this.#outdated = false;
        if (afresh) this.#say("", translate("One moment …"));
        const { samples } = await this.#socket.render({ parameters: this.#sliders.parameters });
        if (afresh) this.#player.play(samples);
        else this.#player.swap(samples);
        afresh = false;
        this.#say("", "");
      } while (this.#outdated);
    } catch (error) {
      if (!(error instanceof PreviewProblem)) throw error;
      this.#say("warning", error.message);
    } finally {
      this.#rendering = false;
    }
  }

  /** @param {boolean} playing */
  #played(playing) {
    this.#part("play").textContent = playing ? translate("Stop") : translate("Play");
  }

  #close() {
    clearTimeout(this.#settling);
    this.#player.close();
    this.#socket.close();
  }

  // elements

  /** @param {string} name */
  #part(name) {
    const element = this.#root.querySelector(`[data-part="${name}"]`);
    if (!(element instanceof HTMLElement)) throw new Error(`the page lacks its part ${name}`);
    return element;
  }

  /** @param {string} name @param {() => void} action */
  #on(name, action) {
    this.#part(name).addEventListener("click", action);
  }

  /** @param {boolean} enabled */
  #enable(enabled) {
    for (const name of ["record", "sample", "play"])
      /** @type {HTMLButtonElement} */ (this.#part(name)).disabled = !enabled || (name === "play" && !this.#ready);
  }

  /** @param {string} tone @param {string} text */
  #say(tone, text) {
    const status = this.#part("status");
    status.className = tone ? `notice notice--${tone}` : "";
    if (status.textContent !== text) status.textContent = text;
  }
}

const FIGURES = new Intl.NumberFormat(language(), { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** The sliders of a voice: named range inputs with an output each, a button that resets them, and presets. */
export class VoiceSliders {
  onChange = () => {};
  #inputs;
  #root;

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    this.#inputs = /** @type {HTMLInputElement[]} */ ([...root.querySelectorAll("input[type=range]")]);
    for (const input of this.#inputs)
      input.addEventListener("input", () => {
        this.#show(input);
        this.onChange();
      });
    root.querySelector('[data-part="reset"]')?.addEventListener("click", () => this.#set((input) => input.dataset.neutral));
    for (const button of root.querySelectorAll("[data-preset]"))
      button.addEventListener("click", () => this.#set((input) => button.getAttribute(`data-${input.name}`)));
    for (const input of this.#inputs) this.#show(input);
  }

  /** @returns {Record<string, number>} */
  get parameters() {
    return Object.fromEntries(this.#inputs.map((input) => [input.name, input.valueAsNumber]));
  }

  /** @param {(input: HTMLInputElement) => string | null | undefined} valueOf */
  #set(valueOf) {
    for (const input of this.#inputs) {
      input.value = valueOf(input) ?? input.value;
      this.#show(input);
    }
    this.onChange();
  }

  /** @param {HTMLInputElement} input */
  #show(input) {
    const text = `${input.dataset.unit}${FIGURES.format(input.valueAsNumber)}`;
    const output = this.#root.querySelector(`[data-value-of="${input.name}"]`);
    if (output !== null) output.textContent = text;
    input.setAttribute("aria-valuetext", text);
  }
}
