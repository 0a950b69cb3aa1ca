import { fromPcm16, SAMPLES_PER_MS, UPLINK_SAMPLES } from "../contract/audio.js";
import { translate } from "../i18n.js";
import { decode, encode, encodeAudio, encodeEvent, WireError } from "../contract/wire.js";

const OPEN_MS = 5_000;
const ANSWER_MS = 30_000;
const LOST = translate("The connection to the server was lost. Please try again.");

/** A request that the server refused or the network lost. The message is for the participant. */
export class PreviewProblem extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = "PreviewProblem";
  }
}

/**
 * @typedef {{samples: Float32Array<ArrayBuffer>, latencyMs: number, pitchHz: number | null}} RenderedVoice at 24 kHz,
 *   with its latency removed; its median pitch is null where too little of it is voiced
 * @typedef {{roundTripMs: number, latencyMs: number}} Probe
 * @typedef {object} Pending
 * @property {(answer: any) => void} resolve
 * @property {(problem: PreviewProblem) => void} reject
 * @property {Float32Array<ArrayBuffer>} [samples] of the rendered voice; filled as frames arrive
 * @property {number} [filled]
 * @property {number} [latencyMs]
 * @property {number | null} [pitchHz]
 */

/**
 * Sends a sentence to be rendered in the study's voices. The connection is opened when it is needed, and opened again
 * after it was lost.
 */
export class PreviewSocket {
  #url;
  #socket = /** @type {WebSocket | null} */ (null);
  #sentence = new Int16Array(0);
  #told = false; // whether the sentence was sent on this connection
  #number = 0;
  #pending = /** @type {Pending | null} */ (null);
  #turn = /** @type {Promise<unknown>} */ (Promise.resolve()); // Requests are made one after another.

  /** @param {string} url path of the session's preview socket */
  constructor(url) {
    this.#url = url;
  }

  /** @param {Int16Array<ArrayBuffer>} pcm at 24 kHz; an incomplete last microphone frame is dropped */
  set sentence(pcm) {
    this.#sentence = pcm.slice(0, pcm.length - (pcm.length % UPLINK_SAMPLES));
    this.#told = false;
  }

  /**
   * Renders the sentence in one of the study's voices (`voice`), or in one that sliders set (`parameters`).
   * @param {{voice: number} | {parameters: Record<string, number>}} voice
   * @returns {Promise<RenderedVoice>} @throws {PreviewProblem}
   */
  render(voice) {
    return this.#next(async (socket) => {
      if (!this.#told) this.#tell(socket);
      return this.#ask(socket, "render", voice);
    });
  }

  /** Sends a silent frame to the inference worker and back. @returns {Promise<Probe>} @throws {PreviewProblem} */
  probe() {
    return this.#next(async (socket) => {
      const startMs = performance.now();
      const latencyMs = await this.#ask(socket, "probe", {});
      return { roundTripMs: performance.now() - startMs, latencyMs };
    });
  }

  /** Measures the round trip to the server. @returns {Promise<number>} milliseconds @throws {PreviewProblem} */
  ping() {
    return this.#next(async (socket) => {
      const startMs = performance.now();
      await this.#await(() => socket.send(encode({ kind: "ping" })));
      return performance.now() - startMs;
    });
  }

  close() {
    this.#lose();
  }

  /** @template T @param {(socket: WebSocket) => Promise<T>} act @returns {Promise<T>} */
  #next(act) {
    const done = this.#turn.then(async () => act(await this.#open()));
    this.#turn = done.catch(() => {});
    return done;
  }

  /** @returns {Promise<WebSocket>} @throws {PreviewProblem} */
  async #open() {
    if (this.#socket?.readyState === WebSocket.OPEN) return this.#socket;
    const url = new URL(this.#url, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = (this.#socket = new WebSocket(url));
    socket.binaryType = "arraybuffer";
    this.#told = false;
    await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new PreviewProblem(LOST)), OPEN_MS);
      socket.onopen = () => (clearTimeout(timer), resolve(null));
      socket.onclose = () => (clearTimeout(timer), reject(new PreviewProblem(LOST)));
    });
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = () => this.#lose();
    return socket;
  }

  /** @param {WebSocket} socket */
  #tell(socket) {
    for (let start = 0; start < this.#sentence.length; start += UPLINK_SAMPLES) {
      const frame = this.#sentence.subarray(start, start + UPLINK_SAMPLES);
      socket.send(encodeAudio("participant", start / UPLINK_SAMPLES, start, frame));
    }
    this.#told = true;
  }

  /** @param {WebSocket} socket @param {string} event @param {object} order @returns {Promise<any>} */
  #ask(socket, event, order) {
    return this.#await(() => socket.send(encodeEvent(event, { number: ++this.#number, ...order })));
  }

  /** @param {() => void} send @returns {Promise<any>} */
  #await(send) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#lose(), ANSWER_MS);
      this.#pending = {
        resolve: (answer) => (clearTimeout(timer), resolve(answer)),
        reject: (problem) => (clearTimeout(timer), reject(problem)),
      };
      send();
    });
  }

  /** @param {ArrayBuffer} data */
  #receive(data) {
    let message;
    try {
      message = decode(data);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return this.#lose();
    }
    const pending = this.#pending;
    if (pending === null) return;
    if (message.kind === "ping") this.#resolve(null);
    else if (message.kind === "error") this.#reject(message.message);
    else if (message.kind === "heard") this.#fill(pending, message.pcm);
    else if (message.kind === "metadata" && message.data.number === this.#number) this.#happened(pending, message);
  }

  /** @param {Pending} pending @param {import("../contract/wire.js").Metadata} message */
  #happened(pending, { event, data }) {
    const told = /** @type {{latency_samples: number, samples: number, pitch_hz?: number | null}} */ (data);
    const latencyMs = told.latency_samples / SAMPLES_PER_MS;
    if (event === "probed") this.#resolve(latencyMs);
    else if (event === "rendered")
      Object.assign(pending, {
        samples: new Float32Array(told.samples),
        filled: 0,
        latencyMs,
        pitchHz: told.pitch_hz ?? null,
      });
  }

  /** @param {Pending} pending @param {Int16Array} pcm */
  #fill(pending, pcm) {
    const { samples, latencyMs, pitchHz } = pending;
    if (samples === undefined || pending.filled === undefined) return;
    for (const sample of pcm) samples[pending.filled++] = fromPcm16(sample);
    if (pending.filled >= samples.length) this.#resolve({ samples, latencyMs, pitchHz });
  }

  /** @param {any} answer */
  #resolve(answer) {
    const pending = this.#pending;
    this.#pending = null;
    pending?.resolve(answer);
  }

  /** @param {string} message */
  #reject(message) {
    const pending = this.#pending;
    this.#pending = null;
    pending?.reject(new PreviewProblem(message));
  }

  #lose() {
    const socket = this.#socket;
    this.#socket = null;
    if (socket !== null) {
      socket.onmessage = socket.onclose = null;
      socket.close();
    }
    this.#reject(LOST);
  }
}
