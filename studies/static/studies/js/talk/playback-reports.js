import { encode } from "../contract/wire.js";

const FRAMES_PER_REPORT = 5; // agent frames: 400 ms

/** Gathers what is known of how the agent sounds here, for the server: also its sign that frames arrived. */
export class PlaybackReports {
  #clock;
  #offsetMs = NaN; // wall time at which the playback context's time 0 sounded
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
   * A frame arrived.
   * @param {number} step
   * @returns {Uint8Array<ArrayBuffer> | null} a report, when one is due
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
