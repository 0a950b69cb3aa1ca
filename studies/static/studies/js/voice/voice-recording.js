import { Meter } from "../audio/meter.js";
import { MicrophoneChoice } from "../audio/microphone-choice.js";
import { MicrophoneProblem } from "../audio/microphone-problem.js";
import { clock } from "../players/elements.js";
import { Waveform } from "../players/waveform.js";
import { SAMPLE_RATE_HZ, toPcm16 } from "../contract/audio.js";
import { LevelGauge } from "../audio/level-gauge.js";
import { Microphone } from "../audio/microphone.js";
import { Capture } from "../audio/capture.js";
import { openSource } from "../audio/capture-source.js";
import { wavOf } from "../audio/wav.js";

/**
 * `<div data-voice>` in the form of a target voice: takes a file or a recording, sends it to be judged at once, shows
 * the report and puts the draft's name into the form. Without scripts, the file is sent with the form.
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
    // Captured before it reaches the input, where a script of django-unfold expects parts of its own upload field.
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
      this.#input("file").value = ""; // It is on the server now and need not be sent again.
      this.#show(report);
      if (verdict === "refused") this.#fail("This recording is not good enough as a reference. The problems are listed below.");
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

  /** @param {string} report HTML from the server */
  #show(report) {
    this.#player?.close();
    const place = this.#part("report");
    place.innerHTML = report;
    const wave = place.querySelector("[data-waveform]");
    this.#player = wave instanceof HTMLElement ? new Waveform(wave) : null;
    this.#player?.load();
  }

  /** Prevents sending the form during a recording or an upload. @param {Event} event */
  #submitted(event) {
    if (!this.#recorder.recording && this.#upload === null) return;
    event.preventDefault();
    this.#fail(this.#recorder.recording ? "Stop the recording first." : "The recording is still being sent. Please wait a moment.");
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

/**
 * An upload that was judged: its name on the server, the verdict, and the report as HTML.
 * @typedef {{draft: string, verdict: "ok" | "warning" | "refused", report: string}} Draft
 */

/** An upload that was not accepted. The message is for people. */
export class UploadProblem extends Error {}

/**
 * Sends a recording to be decoded and judged. It uses XMLHttpRequest, because fetch does not report the progress of an
 * upload.
 * @param {string} url
 * @param {Blob} audio
 * @param {string} csrfToken
 * @param {(share: number) => void} onProgress 0 to 1; 1 when all is sent and the server is decoding it
 * @param {AbortSignal} signal
 * @returns {Promise<Draft>}
 * @throws {UploadProblem}
 */
export function upload(url, audio, csrfToken, onProgress, signal) {
  const body = new FormData();
  body.append("audio", audio, "recording");
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    request.upload.onprogress = ({ loaded, total }) => onProgress(total ? loaded / total : 0);
    request.upload.onload = () => onProgress(1);
    request.onload = () => {
      if (request.status === 201) resolve(JSON.parse(request.responseText));
      else reject(new UploadProblem(refusal(request)));
    };
    request.onerror = () => reject(new UploadProblem("The server cannot be reached. Your file was not lost; try again."));
    request.onabort = () => reject(new UploadProblem("Cancelled."));
    signal.addEventListener("abort", () => request.abort());
    request.open("POST", url);
    request.setRequestHeader("X-CSRFToken", csrfToken);
    request.send(body);
  });
}

/** @param {XMLHttpRequest} request */
function refusal(request) {
  try {
    return JSON.parse(request.responseText).message;
  } catch {
    if (request.status === 403) return "You are signed out, or you do not have permission. Sign in in another tab, then try again.";
    return `The server answered ${request.status}. Please try again.`;
  }
}

const MAX_SEC = 120;
const LEVEL_SAMPLES = SAMPLE_RATE_HZ / 20;
const AS_IT_IS = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

/** Records the microphone without the browser's processing, which would become part of the voice. */
export class VoiceRecorder {
  onLevel = (/** @type {import("../audio/level-gauge.js").Level} */ _level) => {};
  onLength = (/** @type {number} */ _sec) => {};
  onEnd = (/** @type {Blob} */ _wav) => {};
  #parts = /** @type {Int16Array[]} */ ([]);
  #samples = 0;
  #microphone = /** @type {Microphone | null} */ (null);
  #closeSource = () => {};

  get recording() {
    return this.#microphone !== null;
  }

  get deviceId() {
    return this.#microphone?.deviceId ?? "";
  }

  /** @param {string} [deviceId] @throws {import("../audio/microphone-problem.js").MicrophoneProblem} */
  async start(deviceId) {
    const microphone = (this.#microphone = await Microphone.open(AS_IT_IS, deviceId));
    microphone.onEnded = () => this.stop();
    this.#parts = [];
    this.#samples = 0;
    const gauge = new LevelGauge(LEVEL_SAMPLES);
    const capture = new Capture({ onAudio: (samples) => this.#keep(samples, gauge), onSlip: () => {} });
    this.#closeSource = openSource(await microphone.source(), (samples, rateHz, clockMs, missing) =>
      capture.push(samples, rateHz, clockMs, missing, performance.now()),
    );
  }

  stop() {
    if (this.#microphone === null) return;
    this.#closeSource();
    this.#microphone.close();
    this.#microphone = null;
    this.onEnd(wavOf(this.#parts));
  }

  /** @param {Float32Array} samples @param {LevelGauge} gauge */
  #keep(samples, gauge) {
    this.#parts.push(Int16Array.from(samples, toPcm16));
    this.#samples += samples.length;
    const level = gauge.push(samples);
    if (level !== null) this.onLevel(level);
    this.onLength(this.#samples / SAMPLE_RATE_HZ);
    if (this.#samples >= MAX_SEC * SAMPLE_RATE_HZ) this.stop();
  }
}
