import { translate } from "../i18n.js";
import { clock, element, PlayButton, waveColors } from "./elements.js";
import { fetchRecording, RecordingProblem } from "./recording.js";

import WaveSurfer from "wavesurfer.js";

const HEIGHT_PX = 56;
const KEY_STEP_SEC = 2;

/**
 * @typedef {object} TrackRow
 * @property {HTMLElement} wave
 * @property {number} durationSec
 * @property {WaveSurfer} surfer draws the track, which the transport plays
 * @property {HTMLButtonElement} mute
 * @property {HTMLButtonElement} solo
 */

/**
 * `<div data-multitrack>` with a figure `[data-track][data-url][data-label]` for each track. All tracks play on one
 * clock, and each can be muted or played alone. They load when they are first played, because every read of a
 * recording is logged as listening.
 */
export class Multitrack {
  #root;
  #button = new PlayButton(translate("all tracks"));
  #time = element("span", "waveform__time");
  #note = element("p", "waveform__note", translate("The tracks are loaded when you play them, and the access log records this."));
  #rows = /** @type {TrackRow[]} */ ([]);
  #transport = new Transport();
  #abort = new AbortController();
  #frame = 0;
  #darkness = matchMedia("(prefers-color-scheme: dark)");
  #recolor = () => {
    for (const { surfer } of this.#rows) surfer.setOptions(waveColors(surfer.getWrapper()));
  };

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    this.#button.element.addEventListener("click", () => this.#playPause());
    this.#note.role = "status";
    const bar = element("div", "multitrack__bar");
    bar.append(this.#button.element, this.#time, this.#note);
    root.prepend(bar);
    root.addEventListener("keydown", (event) => this.#key(event));
    this.#transport.onEnd = () => this.#drawn();
    this.#darkness.addEventListener("change", this.#recolor);
  }

  async #load() {
    this.#button.element.disabled = true;
    this.#note.textContent = translate("Loading …");
    try {
      for (const figure of this.#root.querySelectorAll("[data-track]"))
        if (figure instanceof HTMLElement) await this.#add(figure);
      for (const { wave, durationSec } of this.#rows)
        wave.style.width = `${(100 * durationSec) / this.#transport.duration}%`; // one time scale for all tracks
      this.#note.textContent = "";
      this.#button.element.disabled = false;
      this.#drawn();
      this.#root.dataset.ready = "";
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      const known = error instanceof RecordingProblem || error instanceof DOMException;
      if (!known) throw error;
      this.#note.textContent =
        error instanceof RecordingProblem ? error.message : translate("A track cannot be decoded in this browser.");
    }
  }

  close() {
    this.#abort.abort();
    cancelAnimationFrame(this.#frame);
    this.#darkness.removeEventListener("change", this.#recolor);
    for (const { surfer } of this.#rows) surfer.destroy();
    this.#transport.close();
  }

  /** @param {HTMLElement} figure */
  async #add(figure) {
    const { url = "", label = translate("track") } = figure.dataset;
    const blob = await fetchRecording(url, undefined, () => {}, this.#abort.signal);
    const buffer = await this.#transport.add(await blob.arrayBuffer());
    const wave = element("div", "multitrack__wave");
    wave.tabIndex = 0;
    wave.role = "group";
    wave.ariaLabel = translate("%(label)s: left and right move, space plays", { label });
    const mute = toggle(translate("Mute"), label, () => this.#balance());
    const solo = toggle(translate("Solo"), label, () => this.#balance());
    const controls = element("div", "multitrack__controls");
    controls.append(mute, solo);
    figure.querySelector("audio")?.remove(); // the player for browsers without scripts
    figure.append(controls, wave);
    const surfer = WaveSurfer.create({
      container: wave,
      height: HEIGHT_PX,
      peaks: [buffer.getChannelData(0)],
      duration: buffer.duration,
      ...waveColors(wave),
    });
    surfer.on("interaction", (sec) => this.#seek(sec));
    this.#rows.push({ wave, durationSec: buffer.duration, surfer, mute, solo });
  }

  /** Silences tracks that are muted and, if any track is solo, all that are not. */
  #balance() {
    const alone = this.#rows.some(({ solo }) => pressed(solo));
    for (const [track, { mute, solo }] of this.#rows.entries())
      this.#transport.setAudible(track, !pressed(mute) && (!alone || pressed(solo)));
  }

  async #playPause() {
    if (this.#rows.length === 0) await this.#load();
    if (!("ready" in this.#root.dataset)) return;
    if (this.#transport.playing) this.#transport.pause();
    else await this.#transport.play();
    this.#drawn();
  }

  /** @param {number} sec */
  async #seek(sec) {
    await this.#transport.seek(sec);
    this.#drawn();
  }

  #drawn() {
    cancelAnimationFrame(this.#frame);
    const { position, duration, playing } = this.#transport;
    this.#button.playing = playing;
    this.#time.textContent = `${clock(position)} / ${clock(duration)}`;
    for (const { surfer } of this.#rows) surfer.setTime(position);
    if (playing) this.#frame = requestAnimationFrame(() => this.#drawn());
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.target instanceof HTMLButtonElement || this.#button.element.disabled) return;
    const { position, duration } = this.#transport;
    /** @type {Record<string, () => void>} */
    const actions = {
      " ": () => this.#playPause(),
      ArrowLeft: () => this.#seek(position - KEY_STEP_SEC),
      ArrowRight: () => this.#seek(position + KEY_STEP_SEC),
      Home: () => this.#seek(0),
      End: () => this.#seek(duration),
    };
    if (!(event.key in actions)) return;
    event.preventDefault();
    actions[event.key]();
  }
}

/** @param {string} text @param {string} of @param {() => void} onToggle */
function toggle(text, of, onToggle) {
  const button = element("button", "multitrack__toggle", text);
  button.type = "button";
  button.ariaLabel = `${text}: ${of}`;
  button.setAttribute("aria-pressed", "false");
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(!pressed(button)));
    onToggle();
  });
  return button;
}

/** @param {HTMLButtonElement} button */
function pressed(button) {
  return button.getAttribute("aria-pressed") === "true";
}

/**
 * Plays several buffers on one clock. All start at the same sample of one audio context, and stay synchronous because
 * tracks are silenced by their gain and never stopped one by one.
 */
export class Transport {
  onEnd = () => {};
  #context = new AudioContext();
  #buffers = /** @type {AudioBuffer[]} */ ([]);
  #gains = /** @type {GainNode[]} */ ([]);
  #sources = /** @type {AudioBufferSourceNode[]} */ ([]);
  #startedAt = 0; // context time of position 0
  #position = 0; // while paused

  /** Adds a track. @param {ArrayBuffer} encoded @returns {Promise<AudioBuffer>} the decoded track */
  async add(encoded) {
    const buffer = await this.#context.decodeAudioData(encoded);
    const gain = this.#context.createGain();
    gain.connect(this.#context.destination);
    this.#buffers.push(buffer);
    this.#gains.push(gain);
    return buffer;
  }

  get duration() {
    return Math.max(0, ...this.#buffers.map((buffer) => buffer.duration));
  }

  get playing() {
    return this.#sources.length > 0;
  }

  get position() {
    if (!this.playing) return this.#position;
    return Math.max(0, Math.min(this.duration, this.#context.currentTime - this.#startedAt));
  }

  async play() {
    await this.#context.resume();
    if (this.playing) return;
    if (this.#position >= this.duration) this.#position = 0;
    const when = this.#context.currentTime + 0.05; // late enough for all sources to start in time
    this.#startedAt = when - this.#position;
    this.#sources = this.#buffers.map((buffer, track) => {
      const source = new AudioBufferSourceNode(this.#context, { buffer });
      source.connect(this.#gains[track]);
      source.start(when, this.#position);
      return source;
    });
    const longest = this.#sources[this.#buffers.findIndex((buffer) => buffer.duration === this.duration)];
    longest.onended = () => this.#ended();
  }

  pause() {
    this.#position = this.position;
    this.#stop();
  }

  /** @param {number} sec */
  async seek(sec) {
    const playing = this.playing;
    this.#stop();
    this.#position = Math.max(0, Math.min(this.duration, sec));
    if (playing) await this.play();
  }

  /** @param {number} track @param {boolean} audible */
  setAudible(track, audible) {
    this.#gains[track]?.gain.setTargetAtTime(audible ? 1 : 0, this.#context.currentTime, 0.01);
  }

  close() {
    this.#stop();
    this.#context.close();
  }

  #ended() {
    this.#stop();
    this.#position = this.duration;
    this.onEnd();
  }

  #stop() {
    for (const source of this.#sources) {
      source.onended = null;
      source.stop();
    }
    this.#sources = [];
  }
}
