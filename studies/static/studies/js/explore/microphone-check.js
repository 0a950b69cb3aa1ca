import { LevelGauge } from "../audio/level-gauge.js";
import { Capture } from "../audio/capture.js";
import { openSource } from "../audio/capture-source.js";
import { Meter } from "../audio/meter.js";
import { Microphone } from "../audio/microphone.js";
import { MicrophoneChoice } from "../audio/microphone-choice.js";
import { MicrophoneProblem } from "../audio/microphone-problem.js";
import { measure, windowPowers } from "../check/measures.js";
import { SAMPLE_RATE_HZ, toPcm16 } from "../contract/audio.js";
import { translate } from "../i18n.js";

const LEVEL_SAMPLES = SAMPLE_RATE_HZ / 20;
const HELD_SAMPLES = 6 * SAMPLE_RATE_HZ; // as much as a preview takes
const WINDOW_SAMPLES = SAMPLE_RATE_HZ / 20; // as in `windowPowers`
const SILENCE_WINDOWS = 6; // the quietest 0.3 s are the background
const SPOKEN_WINDOWS = 20; // somebody who speaks for two seconds is loud for one of them
const SPOKEN_ABOVE = 10; // times the power of the background
const SPOKEN_POWER = 10 ** -5.5; // -55 dB, below which nothing is taken for speech
const LEAST_SNR_DB = 10; // below this, a machine mishears more than the voice explains
const PATIENCE_SEC = 6; // until "nothing is heard" is said

/** What is said of the microphone. @type {Readonly<Record<"silent" | "clipping" | "quiet" | "noisy" | "ok", string>>} */
const VERDICTS = {
  silent: translate("Nothing is heard yet. Is the microphone muted, or is it another one?"),
  clipping: translate("You are too loud for the microphone. Move back a little."),
  quiet: translate("You are hard to hear. Come closer to the microphone."),
  noisy: translate("Your voice hardly stands out from the noise around you. Come closer to the microphone."),
  ok: translate("You are heard well."),
};

/** Opens the microphone before the first talk, shows its level, and judges the first two seconds of speech. */
export class MicrophoneCheck {
  onSentence = (/** @type {Int16Array<ArrayBuffer>} */ _pcm) => {}; // what was said, at 24 kHz
  #elements;
  #settings;
  #meter;
  #microphone = /** @type {Microphone | null} */ (null);
  #closeSource = () => {};
  #held = new Float32Array(HELD_SAMPLES);
  #filled = 0;
  #judged = false;

  /**
   * @param {{allow: HTMLElement, level: HTMLElement, verdict: HTMLElement}} elements
   * @param {import("../audio/microphone.js").CaptureSettings} settings
   */
  constructor(elements, settings) {
    this.#elements = elements;
    this.#settings = settings;
    this.#meter = new Meter(elements.level);
    elements.allow.addEventListener("click", () => this.open());
    addEventListener("pagehide", () => this.close());
  }

  async open() {
    this.#elements.allow.hidden = true;
    this.#say(translate("Please allow the microphone: your browser is asking."));
    try {
      const microphone = (this.#microphone = await Microphone.open(this.#settings, MicrophoneChoice.remembered));
      microphone.onEnded = () => this.close();
      this.#listen(await microphone.source());
    } catch (error) {
      if (!(error instanceof MicrophoneProblem)) throw error;
      this.#elements.allow.hidden = false;
      this.#say(`${error.title}. ${error.message}`, "error");
    }
  }

  /** Closes the microphone, such as before a talk opens it. */
  close() {
    if (this.#microphone === null) return;
    this.#closeSource();
    this.#microphone.close();
    this.#microphone = null;
    this.#elements.level.hidden = true;
    if (!this.#judged) this.#say("");
  }

  /** @param {import("../audio/capture-source.js").CaptureSource} source */
  #listen(source) {
    const gauge = new LevelGauge(LEVEL_SAMPLES);
    this.#elements.level.hidden = false;
    this.#say(translate("Say something, for two seconds."));
    const capture = new Capture({
      onAudio: (samples) => {
        const level = gauge.push(samples);
        if (level !== null) this.#meter.show(level);
        if (!this.#judged) this.#hold(samples);
      },
      onSlip: () => {},
    });
    this.#closeSource = openSource(source, (samples, rateHz, clockMs, missing) =>
      capture.push(samples, rateHz, clockMs, missing, performance.now()),
    );
  }

  /** @param {Float32Array} samples */
  #hold(samples) {
    if (this.#filled + samples.length > HELD_SAMPLES) {
      this.#held.copyWithin(0, HELD_SAMPLES / 2);
      this.#filled -= HELD_SAMPLES / 2;
    }
    this.#held.set(samples, this.#filled);
    const before = Math.floor(this.#filled / WINDOW_SAMPLES);
    this.#filled += samples.length;
    if (Math.floor(this.#filled / WINDOW_SAMPLES) > before) this.#judge();
  }

  #judge() {
    const samples = this.#held.slice(0, this.#filled);
    const powers = windowPowers({ samples, rateHz: SAMPLE_RATE_HZ });
    const quietest = quietestAt(powers);
    if (quietest === null) return;
    const background = samples.slice(quietest * WINDOW_SAMPLES, (quietest + SILENCE_WINDOWS) * WINDOW_SAMPLES);
    const noise = Math.max(...windowPowers({ samples: background, rateHz: SAMPLE_RATE_HZ }));
    const spoken = powers.filter((power) => power > Math.max(SPOKEN_POWER, SPOKEN_ABOVE * noise)).length;
    if (spoken < SPOKEN_WINDOWS) {
      if (this.#filled > PATIENCE_SEC * 0.9 * SAMPLE_RATE_HZ && spoken === 0) this.#say(VERDICTS.silent, "warning");
      return;
    }
    this.#judged = true;
    const found = measure({ samples: background, rateHz: SAMPLE_RATE_HZ }, { samples, rateHz: SAMPLE_RATE_HZ });
    const level = found.microphone.verdict;
    const verdict = level === "ok" && found.snr_db < LEAST_SNR_DB ? "noisy" : level;
    this.#say(VERDICTS[verdict], verdict === "ok" ? "success" : "warning");
    this.onSentence(Int16Array.from(samples, toPcm16));
  }

  /** @param {string} text @param {string} [tone] */
  #say(text, tone = "") {
    this.#elements.verdict.className = tone ? `small notice notice--${tone}` : "small";
    if (this.#elements.verdict.textContent !== text) this.#elements.verdict.textContent = text;
  }
}

/** Returns the first of the SILENCE_WINDOWS with the least energy; null if there are not enough windows. @param {number[]} powers */
export function quietestAt(powers) {
  let best = /** @type {number | null} */ (null);
  let least = Infinity;
  for (let start = 0; start + SILENCE_WINDOWS <= powers.length; start++) {
    const energy = powers.slice(start, start + SILENCE_WINDOWS).reduce((sum, power) => sum + power, 0);
    if (energy < least) [best, least] = [start, energy];
  }
  return best;
}
