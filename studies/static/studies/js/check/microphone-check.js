import { translate } from "../i18n.js";
import { Meter } from "../audio/meter.js";
import { Microphone } from "../audio/microphone.js";
import { MicrophoneProblem } from "../audio/microphone-problem.js";
import { measure } from "./measures.js";
import { LevelGauge } from "../audio/level-gauge.js";
import { openSource } from "../audio/capture-source.js";

const LEAD_MS = 1_000; // time to let go of the mouse, and for a screen reader to announce what follows
const SILENCE_SEC = 3;
const SHORTEST_SEC = 5;
const LONGEST_SEC = 30;
const LETTERS_PER_SEC = 14; // slow reading aloud
const TAKING_BREATH_SEC = 1.5;

/**
 * @typedef {import("./measures.js").Measures} Measures
 * @typedef {import("./measures.js").Stretch} Stretch
 * @typedef {"idle" | "quiet" | "speak"} Phase
 */

/** Records a few seconds of silence, then a sentence, and measures them. The sentence can be played back. */
export class MicrophoneCheck {
  onResult = () => {}; // The check was measured or failed, or the microphone was unplugged.
  measures = /** @type {Measures | null} */ (null);
  problem = /** @type {MicrophoneProblem | null} */ (null);
  sentence = /** @type {Stretch | null} */ (null); // kept only in this page's memory
  #parts;
  #capture;
  #choice;
  #meter;
  #run = 0;
  #microphone = /** @type {Microphone | null} */ (null);
  #recorder = /** @type {Recorder | null} */ (null);

  /**
   * @param {(name: string) => HTMLElement} part of the page: meter, phase, sentence, finish
   * @param {import("../audio/microphone.js").CaptureSettings} capture
   * @param {import("../audio/microphone-choice.js").MicrophoneChoice} choice
   */
  constructor(part, capture, choice) {
    this.#parts = { phase: part("phase"), sentence: part("sentence"), finish: part("finish") };
    this.#capture = capture;
    this.#choice = choice;
    this.#meter = new Meter(part("meter"));
    this.#parts.finish.addEventListener("click", () => this.#recorder?.finish());
  }

  /** The applied settings and the kind of the microphone; null before one was opened. */
  get settings() {
    return this.#microphone === null ? null : { ...this.#microphone.settings(), kind: this.#microphone.kind };
  }

  /** @param {(stream: MediaStream) => void} listen gets the stream of the open microphone */
  async run(listen) {
    const run = ++this.#run;
    this.#forget();
    try {
      const microphone = await Microphone.open(this.#capture, this.#choice.deviceId);
      if (run !== this.#run) return microphone.close(); // Another run has begun meanwhile.
      this.#microphone = microphone;
      microphone.onEnded = () => this.#unplugged();
      await this.#choice.refresh(microphone.deviceId);
      listen(microphone.stream);
      const recorder = (this.#recorder = new Recorder(await microphone.source()));
      recorder.onLevel = (level) => this.#meter.show(level);
      await this.#record(recorder);
      if (this.#recorder !== recorder) return; // Another run has begun, or the microphone was unplugged.
      recorder.close();
      this.#recorder = null;
    } catch (error) {
      if (!(error instanceof MicrophoneProblem)) throw error;
      this.problem = error;
    }
    this.#show("idle");
    this.onResult();
  }

  close() {
    this.#recorder?.close();
    this.#microphone?.close();
    this.#recorder = this.#microphone = null;
  }

  /** @param {Recorder} recorder */
  async #record(recorder) {
    this.#show("quiet");
    await new Promise((resolve) => setTimeout(resolve, LEAD_MS));
    const silence = await recorder.record(SILENCE_SEC);
    if (this.#recorder !== recorder) return;
    this.#show("speak");
    const letters = this.#parts.sentence.textContent?.trim().length ?? 0;
    const sec = Math.ceil(letters / LETTERS_PER_SEC + TAKING_BREATH_SEC);
    const sentence = await recorder.record(Math.min(LONGEST_SEC, Math.max(SHORTEST_SEC, sec)));
    if (this.#recorder !== recorder) return;
    this.sentence = sentence;
    this.measures = measure(silence, sentence);
  }

  /** @param {Phase} phase */
  #show(phase) {
    const words = { idle: "", quiet: translate("Please be quiet now."), speak: translate("Now read this aloud:") };
    this.#parts.phase.textContent = words[phase];
    this.#parts.sentence.classList.toggle("check-step__sentence--now", phase === "speak");
    this.#parts.finish.hidden = phase !== "speak";
    if (phase === "speak" && document.activeElement === document.body) this.#parts.finish.focus({ preventScroll: true });
    if (phase === "idle") this.#meter.clear();
  }

  #unplugged() {
    this.#forget();
    this.problem = new MicrophoneProblem(
      "unplugged",
      translate("The microphone was unplugged"),
      translate("Plug it in, then check again."),
    );
    this.#show("idle");
    this.onResult();
  }

  #forget() {
    this.close();
    this.measures = this.problem = this.sentence = null;
  }
}

const LEVELS_PER_SEC = 25;
const STALLED_MS = 3_000; // A recording that takes this much longer than planned is ended: the microphone has stalled.

/** @typedef {{blocks: Float32Array[], samples: number, sec: number, end: () => void}} Pending */

/** Records stretches of an open microphone. They are kept only in this page's memory. */
export class Recorder {
  onLevel = (/** @type {import("../audio/level-gauge.js").Level} */ _level) => {};
  #closeSource;
  #rateHz = 0;
  #gauge = new LevelGauge(1);
  #pending = /** @type {Pending | null} */ (null);

  /** @param {import("../audio/capture-source.js").CaptureSource} source */
  constructor(source) {
    this.#closeSource = openSource(source, (samples, rateHz) => this.#take(samples, rateHz));
  }

  /**
   * Records from now on. The result is shorter if `finish` is called or the microphone stalls.
   * @param {number} sec
   * @returns {Promise<import("./measures.js").Stretch>}
   */
  async record(sec) {
    const pending = { blocks: /** @type {Float32Array[]} */ ([]), samples: 0, sec, end: () => {} };
    await new Promise((resolve) => {
      const stalled = setTimeout(() => pending.end(), sec * 1_000 + STALLED_MS);
      pending.end = () => {
        clearTimeout(stalled);
        resolve(null);
      };
      this.#pending = pending;
    });
    this.#pending = null;
    const samples = new Float32Array(pending.samples);
    let filled = 0;
    for (const block of pending.blocks) {
      samples.set(block, filled);
      filled += block.length;
    }
    return { samples, rateHz: this.#rateHz };
  }

  /** Ends the current recording. */
  finish() {
    this.#pending?.end();
  }

  close() {
    this.#closeSource();
    this.finish();
  }

  /** @param {Float32Array} samples @param {number} rateHz */
  #take(samples, rateHz) {
    if (rateHz !== this.#rateHz) this.#gauge = new LevelGauge(rateHz / LEVELS_PER_SEC);
    this.#rateHz = rateHz;
    const level = this.#gauge.push(samples);
    if (level !== null) this.onLevel(level);
    const pending = this.#pending;
    if (pending === null) return;
    pending.blocks.push(samples);
    pending.samples += samples.length;
    if (pending.samples >= pending.sec * rateHz) pending.end();
  }
}
