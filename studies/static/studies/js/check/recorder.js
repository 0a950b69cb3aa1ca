import { LevelGauge } from "../audio/level-gauge.js";
import { openSource } from "../audio/capture-source.js";

const LEVELS_PER_SEC = 25;
const STALLED_MS = 3_000; // beyond its time: the microphone gives no more

/** @typedef {{blocks: Float32Array[], samples: number, sec: number, end: () => void}} Pending */

/** Cuts stretches out of an open microphone. They stay in this page's memory. */
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
   * From now on; shorter when `finish` is called or the microphone gives no more.
   * @param {number} sec
   * @returns {Promise<import("./measures.js").Stretch>}
   */
  async record(sec) {
    const pending = { blocks: /** @type {Float32Array[]} */ ([]), samples: 0, sec, end: () => {} };
    await new Promise((resolve) => {
      pending.end = () => resolve(null);
      this.#pending = pending;
      setTimeout(pending.end, sec * 1_000 + STALLED_MS);
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

  /** Ends what is being recorded. */
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
