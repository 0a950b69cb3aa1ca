import WaveSurfer from "wavesurfer.js";
import { wavOf } from "../audio/wav.js";
import { SAMPLE_RATE_HZ, toPcm16 } from "../contract/audio.js";
import { translate } from "../i18n.js";
import { clock, element, PlayButton, waveColors } from "./elements.js";
import { cut, inParts, inWhole, lengthOf, partsOf, spansOf } from "./audible.js";
import { Listened } from "./listened.js";
import { fetchRecording, RecordingProblem, untilFiled } from "./recording.js";

const HEIGHT_PX = 64;
const KEY_STEP_SEC = 2;
const WORTH_CUTTING_SEC = 0.5; // With less silence than this, a recording plays as it is.

/**
 * `<div data-waveform data-src data-beside? data-status-url? data-label? data-kind? data-peaks?>`: plays one recording,
 * mixed with the one at `data-beside` if given. `data-kind` names its tracks, separated by spaces. With the status of
 * its take, it begins at the first sound and leaves out long silences, until the participant asks for all of it.
 * Dispatches `heard` {seconds} once when nine tenths of what can be heard were played, and `listened` {seconds} at every
 * pause. Only one player of a page plays at a time.
 */
export class Waveform {
  static #playing = /** @type {Waveform | null} */ (null);
  #root;
  #button;
  #label;
  #wave = element("div", "waveform__wave");
  #time = element("span", "waveform__time", "0:00");
  #note = element("p", "waveform__note");
  #retry = element("button", "button button--small waveform__retry", translate("Try again"));
  #surfer = /** @type {WaveSurfer | null} */ (null);
  #whole = element("button", "button button--small waveform__whole");
  #recording = /** @type {{samples: Float32Array, parts: import("./audible.js").Span[]} | null} */ (null); // to be cut
  #isCut = false;
  #listened = /** @type {Listened | null} */ (null);
  #heard = false;
  #abort = new AbortController();
  #darkness = matchMedia("(prefers-color-scheme: dark)");
  #recolor = () => this.#surfer?.setOptions(waveColors(this.#wave));

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    this.#label = root.dataset.label ?? translate("recording");
    this.#button = new PlayButton(this.#label);
    this.#button.element.disabled = true;
    this.#button.element.addEventListener("click", () => this.#surfer?.playPause());
    this.#wave.addEventListener("keydown", (event) => this.#key(event));
    this.#note.role = "status";
    this.#retry.type = "button";
    this.#retry.hidden = true;
    this.#retry.addEventListener("click", () => this.load());
    this.#whole.type = "button";
    this.#whole.hidden = true;
    this.#whole.addEventListener("click", () => this.#showCut(!this.#isCut));
    root.replaceChildren(this.#button.element, this.#wave, this.#time, this.#whole, this.#note, this.#retry);
    this.#darkness.addEventListener("change", this.#recolor);
  }

  async load() {
    this.#retry.hidden = true;
    const { src = "", beside, statusUrl } = this.#root.dataset;
    try {
      const progress = (/** @type {string} */ text) => this.#say(`${text} …`);
      const audible = statusUrl ? await untilFiled(statusUrl, progress, this.#abort.signal) : {};
      const blobs = [];
      for (const url of beside ? [src, beside] : [src])
        blobs.push(await fetchRecording(url, undefined, progress, this.#abort.signal));
      await this.#prepare(blobs, spansOf(audible, (this.#root.dataset.kind ?? "").split(" ")));
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      if (error instanceof RecordingProblem) this.#fail(error.message);
      else if (error instanceof DOMException) this.#fail(translate("This recording cannot be played in this browser."));
      else throw error;
    }
  }

  close() {
    this.#abort.abort();
    this.#darkness.removeEventListener("change", this.#recolor);
    this.#surfer?.destroy();
  }

  /** @param {Blob[]} blobs @param {import("./audible.js").Span[] | null} spans where they can be heard @throws {DOMException} */
  async #prepare(blobs, spans) {
    if (spans === null && blobs.length === 1) return this.#show(blobs[0]);
    const samples = await mixed(blobs);
    const sec = samples.length / SAMPLE_RATE_HZ;
    this.#listened ??= new Listened(sec, spans);
    this.#recording = { samples, parts: partsOf(spans ?? [], sec) };
    this.#isCut = sec - lengthOf(this.#recording.parts) > WORTH_CUTTING_SEC;
    this.#whole.hidden = !this.#isCut;
    await this.#showCut(this.#isCut);
    if (spans?.length === 0) this.#hearNothing();
  }

  /** Shows the recording with or without its long silences, at the same place. @param {boolean} isCut */
  async #showCut(isCut) {
    if (this.#recording === null) return;
    const { samples, parts } = this.#recording;
    const sec = this.#surfer === null ? 0 : this.#inWhole(this.#surfer.getCurrentTime());
    this.#isCut = isCut;
    this.#whole.textContent = isCut ? translate("Play it with its pauses") : translate("Play it without its pauses");
    await this.#show(wavOf([Int16Array.from(isCut ? cut(samples, SAMPLE_RATE_HZ, parts) : samples, toPcm16)]));
    if (sec > 0) this.#surfer?.setTime(isCut ? inParts(parts, sec) : sec);
  }

  /** @param {number} sec in what is shown */
  #inWhole(sec) {
    return this.#isCut && this.#recording !== null ? inWhole(this.#recording.parts, sec) : sec;
  }

  #hearNothing() {
    this.#say(translate("There is nothing to hear in this recording."));
    this.#hear();
  }

  /** @param {Blob} blob */
  async #show(blob) {
    this.#surfer?.destroy();
    const surfer = (this.#surfer = WaveSurfer.create({
      container: this.#wave,
      height: HEIGHT_PX,
      barWidth: 2,
      barGap: 1,
      barRadius: 2,
      normalize: true,
      dragToSeek: true,
      ...waveColors(this.#wave),
    }));
    surfer.on("ready", (sec) => this.#ready(sec));
    surfer.on("error", () => this.#fail(translate("This recording cannot be played in this browser.")));
    surfer.on("play", () => this.#started());
    surfer.on("pause", () => this.#paused());
    surfer.on("finish", () => this.#paused());
    surfer.on("seeking", () => this.#listened?.interrupt());
    surfer.on("timeupdate", (sec) => this.#moved(sec));
    const peaks = this.#root.dataset.peaks;
    await surfer.loadBlob(blob, peaks ? JSON.parse(peaks) : undefined).catch(() => {}); // The "error" event reports it.
  }

  /** @param {number} sec */
  #ready(sec) {
    this.#say("");
    this.#listened ??= new Listened(sec);
    this.#button.element.disabled = false;
    this.#wave.tabIndex = 0;
    this.#wave.role = "slider"; // Before this, there is nothing to move in.
    this.#wave.ariaLabel = translate("Position in: %(label)s", { label: this.#label });
    this.#wave.ariaValueMin = "0";
    this.#wave.ariaValueMax = sec.toFixed(1);
    this.#moved(0);
    this.#root.dataset.ready = "";
  }

  #started() {
    if (Waveform.#playing !== this) Waveform.#playing?.pause();
    Waveform.#playing = this;
    this.#button.playing = true;
  }

  pause() {
    this.#surfer?.pause();
  }

  #paused() {
    this.#button.playing = false;
    this.#listened?.interrupt();
    this.#dispatch("listened");
  }

  /** @param {number} sec */
  #moved(sec) {
    const surfer = this.#surfer;
    if (surfer === null) return;
    if (surfer.isPlaying() || sec === surfer.getDuration()) this.#listened?.note(this.#inWhole(sec));
    this.#time.textContent = `${clock(sec)} / ${clock(surfer.getDuration())}`;
    this.#wave.ariaValueNow = sec.toFixed(1);
    const [now, total] = [clock(sec), clock(surfer.getDuration())];
    this.#wave.ariaValueText = translate("%(now)s of %(total)s", { now, total });
    if (this.#listened?.enough && sec > 0) this.#hear();
  }

  #hear() {
    if (this.#heard) return;
    this.#heard = true;
    this.#root.dataset.heard = "";
    this.#dispatch("heard");
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const surfer = this.#surfer;
    if (surfer === null) return;
    /** @type {Record<string, () => void>} */
    const actions = {
      ArrowLeft: () => surfer.skip(-KEY_STEP_SEC),
      ArrowRight: () => surfer.skip(KEY_STEP_SEC),
      Home: () => surfer.setTime(0),
      End: () => surfer.setTime(surfer.getDuration()),
      " ": () => surfer.playPause(),
      Enter: () => surfer.playPause(),
    };
    if (!(event.key in actions)) return;
    event.preventDefault();
    actions[event.key]();
  }

  /** @param {string} message */
  #fail(message) {
    this.#say(message);
    this.#button.element.disabled = true;
    this.#retry.hidden = false;
  }

  /** @param {string} text */
  #say(text) {
    this.#note.textContent = text;
    this.#note.hidden = text === "";
  }

  /** @param {"heard" | "listened"} name */
  #dispatch(name) {
    const detail = { seconds: this.#listened?.seconds ?? 0 };
    this.#root.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }
}

/** Returns the sum of synchronous recordings, at 24 kHz. @param {Blob[]} blobs @returns {Promise<Float32Array>} @throws {DOMException} */
async function mixed(blobs) {
  const context = new OfflineAudioContext(1, 1, SAMPLE_RATE_HZ);
  const buffers = await Promise.all(blobs.map(async (blob) => context.decodeAudioData(await blob.arrayBuffer())));
  const sum = new Float32Array(Math.max(...buffers.map((buffer) => buffer.length)));
  for (const buffer of buffers) for (const [n, sample] of buffer.getChannelData(0).entries()) sum[n] += sample;
  return sum;
}
