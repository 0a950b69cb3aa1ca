import { encode } from "../contract/wire.js";

const FRAMES_PER_REPORT = 5; // agent frames: 400 ms

/** Collects reports for the server on the agent's playback, which also acknowledge the frames that arrived. */
export class PlaybackReports {
  #clock;
  #offsetMs = NaN; // wall-clock time of the playback context's time 0
  #received = 0;
  #sounding = /** @type {{step: number, sample: number} | null} */ (null);
  #depth = 0;
  #underruns = 0;

  /** @param {import("./capture-clock.js").CaptureClock} clock of the microphone */
  constructor(clock) {
    this.#clock = clock;
  }

  /** @param {number} offsetMs */
  setOutputClock(offsetMs) {
    this.#offsetMs = offsetMs;
  }

  /** @param {import("../worklets/playback.js").PlaybackReport} report */
  note({ began, depth_samples, underruns }) {
    this.#depth = depth_samples;
    this.#underruns = underruns;
    if (began === undefined || Number.isNaN(this.#offsetMs)) return;
    const sample = this.#clock.sampleAt(began.contextSec * 1_000 + this.#offsetMs);
    if (sample !== null) this.#sounding = { step: began.step, sample };
  }

  /**
   * Counts a frame that arrived.
   * @param {number} step
   * @returns {Uint8Array<ArrayBuffer> | null} a report if one is due
   */
  received(step) {
    if (++this.#received % FRAMES_PER_REPORT !== 0 || this.#sounding === null) return null;
    return encode({
      kind: "playback",
      received_step: step,
      sounding_step: this.#sounding.step,
      sample: this.#sounding.sample,
      depth_samples: this.#depth,
      underruns: this.#underruns,
    });
  }
}
