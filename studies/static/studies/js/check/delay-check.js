import { PreviewProblem } from "../preview/preview-socket.js";

const PROBES = 13; // of which the first opens the way and does not count
const LONG_MS = 250; // beyond it, talking becomes hard

/** @typedef {{conversion_ms: number | null, round_trip_ms: number | null, probes: number}} Delay */

/** Measures the way from the page to the inference worker and back, and asks how late the change of voice is. */
export class DelayCheck {
  onResult = () => {};
  result = /** @type {Delay} */ ({ conversion_ms: null, round_trip_ms: null, probes: 0 });
  #socket;
  #status;

  /** @param {import("../preview/preview-socket.js").PreviewSocket} socket @param {HTMLElement} status */
  constructor(socket, status) {
    this.#socket = socket;
    this.#status = status;
  }

  async measure() {
    this.#say("", "Measuring …");
    try {
      await this.#probe();
      this.#tell();
    } catch (error) {
      if (!(error instanceof PreviewProblem)) throw error;
      this.result = { conversion_ms: null, round_trip_ms: null, probes: 0 };
      this.#say("warning", `It could not be measured. ${error.message} You can go on without it.`);
    }
    this.onResult();
  }

  async #probe() {
    const roundTripsMs = [];
    let conversionMs = 0;
    for (let probe = 0; probe < PROBES; probe++) {
      const { roundTripMs, latencyMs } = await this.#socket.probe();
      conversionMs = latencyMs;
      if (probe > 0) roundTripsMs.push(roundTripMs);
    }
    roundTripsMs.sort((a, b) => a - b);
    const median = roundTripsMs[Math.floor(roundTripsMs.length / 2)];
    this.result = {
      conversion_ms: Math.round(conversionMs * 10) / 10,
      round_trip_ms: Math.round(median * 10) / 10,
      probes: roundTripsMs.length,
    };
  }

  #tell() {
    const { conversion_ms, round_trip_ms } = this.result;
    const trip = Math.round(/** @type {number} */ (round_trip_ms));
    const voice =
      conversion_ms === 0 ? "" : ` What is done to your voice on the way adds ${Math.round(conversion_ms ?? 0)} ms.`;
    if (trip > LONG_MS)
      this.#say(
        "warning",
        `To the machine and back it takes ${trip} ms, which is long.${voice} A cable instead of Wi-Fi, or closing other programs, may help.`,
      );
    else this.#say("success", `To the machine and back it takes ${trip} ms.${voice}`);
  }

  /** @param {string} tone @param {string} text */
  #say(tone, text) {
    this.#status.className = tone ? `notice notice--${tone}` : "muted";
    this.#status.textContent = text;
  }
}
