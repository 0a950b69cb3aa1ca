import WaveSurfer from "wavesurfer.js";
import { wavOf } from "../audio/wav.js";
import { SAMPLE_RATE_HZ, toPcm16 } from "../contract/audio.js";
import { translate } from "../i18n.js";
import { clock, element, PlayButton, waveColors } from "./elements.js";
import { Listened } from "./listened.js";
import { fetchRecording, RecordingProblem } from "./recording.js";

const HEIGHT_PX = 64;
const KEY_STEP_SEC = 2;

/**
 * `<div data-waveform data-src data-beside? data-status-url? data-label? data-kind? data-peaks?>`: plays one recording,
 * mixed with the one at `data-beside` if given. Dispatches `heard` {seconds} once when nine tenths were played, and
 * `listened` {seconds} at every pause. Only one player of a page plays at a time.
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
  #listened = new Listened(0);
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
    root.replaceChildren(this.#button.element, this.#wave, this.#time, this.#note, this.#retry);
    this.#darkness.addEventListener("change", this.#recolor);
  }

  async load() {
    this.#retry.hidden = true;
    const { src = "", beside, statusUrl } = this.#root.dataset;
    try {
      const progress = (/** @type {string} */ text) => this.#say(`${text} …`);
      const blobs = [];
      for (const url of beside ? [src, beside] : [src])
        blobs.push(await fetchRecording(url, statusUrl, progress, this.#abort.signal));
      this.#show(blobs.length > 1 ? await mixed(blobs) : blobs[0]);
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
    surfer.on("seeking", () => this.#listened.interrupt());
    surfer.on("timeupdate", (sec) => this.#moved(sec));
    const peaks = this.#root.dataset.peaks;
    await surfer.loadBlob(blob, peaks ? JSON.parse(peaks) : undefined).catch(() => {}); // The "error" event reports it.
  }

  /** @param {number} sec */
  #ready(sec) {
    this.#say("");
    this.#listened = new Listened(sec);
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
    this.#listened.interrupt();
    this.#dispatch("listened");
  }

  /** @param {number} sec */
  #moved(sec) {
    const surfer = this.#surfer;
    if (surfer === null) return;
    if (surfer.isPlaying() || sec === surfer.getDuration()) this.#listened.note(sec);
    this.#time.textContent = `${clock(sec)} / ${clock(surfer.getDuration())}`;
    this.#wave.ariaValueNow = sec.toFixed(1);
    const [now, total] = [clock(sec), clock(surfer.getDuration())];
    this.#wave.ariaValueText = translate("%(now)s of %(total)s", { now, total });
    if (this.#heard || !this.#listened.enough) return;
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
    const detail = { seconds: this.#listened.seconds };
    this.#root.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
  }
}

/** Mixes synchronous recordings into one. @param {Blob[]} blobs @returns {Promise<Blob>} @throws {DOMException} */
async function mixed(blobs) {
  const context = new OfflineAudioContext(1, 1, SAMPLE_RATE_HZ);
  const buffers = await Promise.all(blobs.map(async (blob) => context.decodeAudioData(await blob.arrayBuffer())));
  const sum = new Float32Array(Math.max(...buffers.map((buffer) => buffer.length)));
  for (const buffer of buffers) for (const [n, sample] of buffer.getChannelData(0).entries()) sum[n] += sample;
  return wavOf([Int16Array.from(sum, toPcm16)]);
}
