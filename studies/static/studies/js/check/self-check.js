import { translate } from "../i18n.js";
import { MicrophoneProblem } from "../audio/microphone-problem.js";
import { PreviewProblem } from "../preview/preview-socket.js";
import { SentenceRecorder } from "../preview/sentence-recorder.js";
import { VoicePlayer } from "../preview/voice-player.js";

const SPEAK_SEC = 5;

/**
 * "Hear yourself": five seconds of speech, played back in the study's voices. Each of several voices has a button with
 * a number, which does not reveal what it is. The recording is kept only in this page's memory.
 */
export class SelfCheck {
  onHeard = () => {};
  heard = 0; // how often a voice was played
  #socket;
  #recorder;
  #player = new VoicePlayer();
  #deviceId;
  #record;
  #voices;
  #status;

  /**
   * @param {HTMLElement} root with parts self-record, self-voices, self-result
   * @param {{capture: import("../audio/microphone.js").CaptureSettings, voices: number, deviceId: () => string}} options
   * @param {import("../preview/preview-socket.js").PreviewSocket} socket
   */
  constructor(root, { capture, voices, deviceId }, socket) {
    this.#socket = socket;
    this.#deviceId = deviceId;
    this.#recorder = new SentenceRecorder(capture);
    this.#recorder.onLeft = (sec) => this.#say("", sec > 0 ? translate("Speak now: %(sec)s", { sec }) : "");
    const part = (/** @type {string} */ name) =>
      /** @type {HTMLElement} */ (root.querySelector(`[data-part="${name}"]`));
    this.#record = /** @type {HTMLButtonElement} */ (part("self-record"));
    this.#status = part("self-result");
    this.#record.addEventListener("click", () => this.#begin());
    this.#voices = Array.from({ length: voices }, (_, voice) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button button--small";
      button.textContent = voices === 1 ? translate("Listen again") : translate("Voice %(number)s", { number: voice + 1 });
      button.disabled = true;
      button.addEventListener("click", () => this.#hear(voice));
      part("self-voices").append(button);
      return button;
    });
  }

  async #begin() {
    this.#player.unlock(); // must be called while the click is handled
    this.#player.stop();
    this.#enable(false);
    try {
      this.#socket.sentence = await this.#recorder.record(SPEAK_SEC, this.#deviceId());
    } catch (error) {
      if (!(error instanceof MicrophoneProblem)) throw error;
      this.#record.disabled = false;
      return this.#say("error", `${error.title}. ${error.message}`);
    }
    this.#record.textContent = translate("Record again");
    if (this.#voices.length === 1) return this.#hear(0);
    this.#enable(true);
    this.#say("", translate("Choose a voice to hear yourself in."));
  }

  /** @param {number} voice */
  async #hear(voice) {
    this.#player.unlock();
    this.#enable(false);
    this.#say("", translate("One moment …"));
    try {
      const { samples } = await this.#socket.render({ voice });
      this.#player.play(samples);
      this.heard++;
      this.#say(
        "",
        this.#voices.length === 1
          ? translate("This is how the machine will hear you.")
          : translate("Voice %(number)s", { number: voice + 1 }),
      );
      this.onHeard();
    } catch (error) {
      if (!(error instanceof PreviewProblem)) throw error;
      this.#say("warning", error.message);
    }
    this.#enable(true);
  }

  close() {
    this.#player.close();
  }

  /** @param {boolean} enabled */
  #enable(enabled) {
    for (const button of [this.#record, ...this.#voices]) button.disabled = !enabled;
  }

  /** @param {string} tone @param {string} text */
  #say(tone, text) {
    this.#status.className = tone ? `notice notice--${tone}` : "";
    if (this.#status.textContent !== text) this.#status.textContent = text;
  }
}
