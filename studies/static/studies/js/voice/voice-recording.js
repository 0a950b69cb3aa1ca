import { Meter } from "../audio/meter.js";
import { MicrophoneChoice } from "../audio/microphone-choice.js";
import { MicrophoneProblem } from "../audio/microphone-problem.js";
import { clock } from "../players/elements.js";
import { Waveform } from "../players/waveform.js";
import { upload, UploadProblem } from "./upload.js";
import { VoiceRecorder } from "./voice-recorder.js";

/**
 * `<div data-voice>` in the form of a target voice: takes a file or a recording, has it judged at once, shows what was
 * found and leaves the draft's name in the form. Without scripts the file goes with the form.
 */
export class VoiceRecording {
  #root;
  #recorder = new VoiceRecorder();
  #meter;
  #choice;
  #upload = /** @type {AbortController | null} */ (null);
  #player = /** @type {Waveform | null} */ (null);

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    this.#meter = new Meter(this.#part("meter"));
    const select = /** @type {HTMLSelectElement} */ (this.#part("microphone"));
    this.#choice = new MicrophoneChoice(select, this.#part("microphone-field"));
    // before it gets to the input, where a script of django-unfold looks for parts of its own upload field
    root.addEventListener("change", (event) => this.#chosen(event), { capture: true });
    this.#part("record").addEventListener("click", () => this.#toggle());
    this.#part("cancel").addEventListener("click", () => this.#upload?.abort());
    this.#recorder.onLevel = (level) => this.#meter.show(level);
    this.#recorder.onLength = (sec) => (this.#part("time").textContent = clock(sec));
    this.#recorder.onEnd = (wav) => this.#ended(wav);
    this.#part("recorder").hidden = false;
    root.closest("form")?.addEventListener("submit", (event) => this.#submitted(event));
  }

  // recording

  async #toggle() {
    if (this.#recorder.recording) return this.#recorder.stop();
    const problem = MicrophoneProblem.ofBrowser();
    if (problem !== null) return this.#fail(`${problem.title}. ${problem.message}`);
    const button = /** @type {HTMLButtonElement} */ (this.#part("record"));
    button.disabled = true;
    this.#say("");
    try {
      await this.#recorder.start(this.#choice.deviceId);
      await this.#choice.refresh(this.#recorder.deviceId);
      this.#press(true);
    } catch (error) {
      if (!(error instanceof MicrophoneProblem)) throw error;
      this.#fail(`${error.title}. ${error.message}`);
    }
    button.disabled = false;
  }

  /** @param {Blob} wav */
  #ended(wav) {
    this.#press(false);
    this.#meter.clear();
    this.#judge(wav, true);
  }

  /** @param {boolean} recording */
  #press(recording) {
    const button = this.#part("record");
    button.textContent = recording ? "Stop" : "Record";
    button.setAttribute("aria-pressed", String(recording));
  }

  // upload

  /** @param {Event} event */
  #chosen(event) {
    const file = this.#input("file");
    if (event.target !== file) return;
    event.stopPropagation();
    if (file.files?.[0]) this.#judge(file.files[0], false);
  }

  /** @param {Blob} audio @param {boolean} recorded */
  async #judge(audio, recorded) {
    this.#upload?.abort();
    const abort = (this.#upload = new AbortController());
    this.#say("");
    this.#busy(true);
    try {
      const { draft, verdict, report } = await upload(
        this.#root.dataset.uploadUrl ?? "",
        audio,
        this.#csrfToken,
        (share) => this.#progress(share),
        abort.signal,
      );
      this.#input("draft").value = draft;
      this.#input("recorded").value = recorded ? "on" : "";
      this.#input("file").value = ""; // it is on the server now, and need not be sent again
      this.#show(report);
      if (verdict === "refused") this.#fail("This recording is not good enough as a reference. See below what is wrong with it.");
      else this.#say("Your recording is kept. Complete the form below and save.");
    } catch (error) {
      if (!(error instanceof UploadProblem)) throw error;
      if (this.#upload === abort) this.#fail(error.message);
    } finally {
      if (this.#upload === abort) {
        this.#upload = null;
        this.#busy(false);
      }
    }
  }

  /** @param {number} share */
  #progress(share) {
    const bar = /** @type {HTMLProgressElement} */ (this.#part("progress"));
    if (share < 1) bar.value = share;
    else bar.removeAttribute("value");
    this.#part("stage").textContent = share < 1 ? `Uploading: ${Math.floor(100 * share)} %` : "Decoding and judging …";
  }

  /** @param {string} report HTML of the server's */
  #show(report) {
    this.#player?.close();
    const place = this.#part("report");
    place.innerHTML = report;
    const wave = place.querySelector("[data-waveform]");
    this.#player = wave instanceof HTMLElement ? new Waveform(wave) : null;
    this.#player?.load();
  }

  /** Nothing is sent in the middle of a recording or an upload. @param {Event} event */
  #submitted(event) {
    if (!this.#recorder.recording && this.#upload === null) return;
    event.preventDefault();
    this.#fail(this.#recorder.recording ? "Stop the recording first." : "The recording is still being sent. A moment.");
    this.#part("note").scrollIntoView({ block: "center" });
  }

  // elements

  get #csrfToken() {
    const field = this.#root.closest("form")?.querySelector("input[name=csrfmiddlewaretoken]");
    return field instanceof HTMLInputElement ? field.value : "";
  }

  /** @param {boolean} busy */
  #busy(busy) {
    this.#part("busy").hidden = !busy;
    /** @type {HTMLButtonElement} */ (this.#part("record")).disabled = busy;
  }

  /** @param {string} text */
  #say(text) {
    const note = this.#part("note");
    note.textContent = text;
    note.hidden = text === "";
    note.className = "voice__note";
  }

  /** @param {string} message */
  #fail(message) {
    this.#say(message);
    this.#part("note").className = "voice__note voice__note--error";
  }

  /** @param {string} name @returns {HTMLInputElement} */
  #input(name) {
    return /** @type {HTMLInputElement} */ (this.#part(name));
  }

  /** @param {string} name @returns {HTMLElement} */
  #part(name) {
    const element = this.#root.querySelector(`[data-part="${name}"]`);
    if (!(element instanceof HTMLElement)) throw new Error(`the form lacks its part ${name}`);
    return element;
  }
}
