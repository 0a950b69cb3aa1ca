import { translate } from "../i18n.js";
import { PreviewProblem } from "../preview/preview-socket.js";

const PROBES = 13; // The first one sets up the connection and does not count.
const LONG_MS = 250; // With a longer delay, talking becomes difficult.

/** @typedef {{conversion_ms: number | null, round_trip_ms: number | null, probes: number}} Delay */

const UNKNOWN = /** @type {Delay} */ ({ conversion_ms: null, round_trip_ms: null, probes: 0 });

/**
 * Measures the round trip from the page to the server, then to the inference worker, and asks for the delay of voice
 * conversion.
 */
export class DelayCheck {
  onResult = () => {};
  serverMs = /** @type {number | null} */ (null); // median round trip to the server
  result = UNKNOWN; // for the inference worker
  #socket;
  #status;

  /** @param {import("../preview/preview-socket.js").PreviewSocket} socket @param {HTMLElement} status */
  constructor(socket, status) {
    this.#socket = socket;
    this.#status = status;
  }

  async measure() {
    this.#say("", translate("Measuring …"));
    this.serverMs = null;
    this.result = UNKNOWN;
    try {
      this.serverMs = await medianOf(() => this.#socket.ping());
      await this.#probe();
      this.#tell();
    } catch (error) {
      if (!(error instanceof PreviewProblem)) throw error;
      this.#tellProblem(error.message);
    }
    this.onResult();
  }

  async #probe() {
    let conversionMs = 0;
    const round_trip_ms = await medianOf(async () => {
      const { roundTripMs, latencyMs } = await this.#socket.probe();
      conversionMs = latencyMs;
      return roundTripMs;
    });
    this.result = { conversion_ms: Math.round(conversionMs * 10) / 10, round_trip_ms, probes: PROBES - 1 };
  }

  #tell() {
    const { conversion_ms, round_trip_ms } = this.result;
    const trip = Math.round(/** @type {number} */ (round_trip_ms));
    const lines = [
      translate("Sound takes %(server)s ms to the server and back, and %(machine)s ms to the machine and back.", {
        server: Math.round(this.serverMs ?? 0),
        machine: trip,
      }),
    ];
    if (conversion_ms !== 0)
      lines.push(
        translate("Processing your voice adds %(conversion)s ms.", {
          conversion: Math.round(conversion_ms ?? 0),
        }),
      );
    const long = trip > LONG_MS;
    if (long)
      lines.push(translate("That is a long delay. Using a cable instead of Wi-Fi, or closing other programs, may help."));
    this.#say(long ? "warning" : "success", lines.join(" "));
  }

  /** @param {string} message */
  #tellProblem(message) {
    if (this.serverMs === null)
      return this.#say("warning", translate("The delay could not be measured. %(why)s", { why: message }));
    const server = Math.round(this.serverMs);
    const text = translate(
      "Sound takes %(server)s ms to the server and back. The rest of the way to the machine could not be measured. %(why)s You can continue without it.",
      { server, why: message },
    );
    this.#say("warning", text);
  }

  /** @param {string} tone @param {string} text */
  #say(tone, text) {
    this.#status.className = tone ? `notice notice--${tone}` : "muted";
    this.#status.textContent = text;
  }
}

/**
 * Returns the median of all probes but the first, in milliseconds rounded to tenths.
 * @param {() => Promise<number>} once
 */
async function medianOf(once) {
  const took = [];
  for (let probe = 0; probe < PROBES; probe++) took.push(await once());
  const sorted = took.slice(1).sort((a, b) => a - b);
  return Math.round(10 * sorted[Math.floor(sorted.length / 2)]) / 10;
}
