import { seeded, soundOf } from "./stimuli.js";

const GAP_SEC = 0.5;
const LEAD_SEC = 0.1;
const COMMON = 1; // the sound for setting the volume, which is never the one to find

/** @typedef {import("./stimuli.js").Method} Method */

/** Plays the sounds of the screening. */
export class Listening {
  onInterval = (/** @type {number | null} */ _interval) => {}; // 0, 1 or 2 while it sounds, then null
  #method;
  #context = /** @type {AudioContext | null} */ (null);

  /** @param {Method} method */
  constructor(method) {
    this.#method = method;
  }

  /** Must be called while a click is handled; otherwise the browser keeps it silent. */
  unlock() {
    this.#context ??= new AudioContext();
    this.#context.resume();
  }

  /** Plays sounds at the volume of the trials. */
  async playVolume() {
    await this.#play(seeded(1), [COMMON, COMMON, COMMON], 0);
  }

  /** @param {string} seed @param {number} attempt @param {number} trial from 0 */
  async playTrial(seed, attempt, trial) {
    const { order, noiseSeed } = await orderOf(seed, attempt, trial);
    await this.#play(seeded(noiseSeed), order, GAP_SEC);
  }

  close() {
    this.#context?.close();
    this.#context = null;
  }

  /** @param {import("./stimuli.js").Random} random @param {readonly number[]} sounds @param {number} gapSec */
  async #play(random, sounds, gapSec) {
    const context = this.#context;
    if (context === null) return;
    await context.resume();
    const buffers = sounds.map((sound) => {
      const { left, right } = soundOf(this.#method, sound, context.sampleRate, random);
      const buffer = context.createBuffer(2, left.length, context.sampleRate);
      buffer.copyToChannel(left, 0);
      buffer.copyToChannel(right, 1);
      return buffer;
    });
    let startSec = context.currentTime + LEAD_SEC;
    const ended = buffers.map((buffer, interval) => {
      const source = new AudioBufferSourceNode(context, { buffer });
      source.connect(context.destination);
      source.start(startSec);
      setTimeout(() => this.onInterval(interval), 1_000 * (startSec - context.currentTime));
      startSec += buffer.duration + gapSec;
      return new Promise((resolve) => {
        source.onended = () => {
          this.onInterval(null);
          resolve(null);
        };
      });
    });
    await Promise.all(ended);
  }
}

// Twin of order_of in studies/design/headphones.py. Both are tested against tests/data/headphones.json.

const ORDERS = /** @type {const} */ ([
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
]);

/**
 * @param {string} seed of the session
 * @param {number} attempt from 0
 * @param {number} trial from 0
 * @returns {Promise<{order: readonly number[], noiseSeed: number}>} which sound comes first, second and third (0 is the
 *   one to find), and the seed of the trial's noise
 */
export async function orderOf(seed, attempt, trial) {
  const text = new TextEncoder().encode(`${seed}:${attempt}:${trial}`);
  const digest = new DataView(await crypto.subtle.digest("SHA-256", text));
  return { order: ORDERS[digest.getUint32(0) % ORDERS.length], noiseSeed: digest.getUint32(4) };
}
