import { SAMPLE_RATE_HZ } from "../contract/audio.js";

const FADE_SEC = 0.02;

/** Plays a sentence, and can continue at the same place with the sentence in another voice. */
export class VoicePlayer {
  onState = (/** @type {boolean} */ _playing) => {};
  #context = /** @type {AudioContext | null} */ (null);
  #samples = new Float32Array(0);
  #source = /** @type {AudioBufferSourceNode | null} */ (null);
  #gain = /** @type {GainNode | null} */ (null);
  #loop = false;
  #startedSec = 0; // context time of the sentence's first sample

  get playing() {
    return this.#source !== null;
  }

  /** @param {boolean} loop whether to begin again at the end */
  set loop(loop) {
    this.#loop = loop;
    if (this.#source !== null) this.#source.loop = loop;
  }

  /** Must be called while a click is handled; otherwise the browser keeps it silent. */
  unlock() {
    this.#context ??= new AudioContext({ sampleRate: SAMPLE_RATE_HZ, latencyHint: "interactive" });
    this.#context.resume();
  }

  /** Plays from the start. @param {Float32Array<ArrayBuffer>} samples at 24 kHz */
  play(samples) {
    this.#start(samples, 0);
  }

  /**
   * Continues with other samples at the current place, or plays them from the start if nothing is being played.
   * @param {Float32Array<ArrayBuffer>} samples at 24 kHz
   */
  swap(samples) {
    const context = this.#context;
    this.#start(samples, context !== null && this.playing ? context.currentTime - this.#startedSec : 0);
  }

  replay() {
    this.play(this.#samples);
  }

  stop() {
    const source = this.#source;
    this.#source = null;
    if (source === null || this.#gain === null || this.#context === null) return;
    const now = this.#context.currentTime;
    this.#gain.gain.setValueAtTime(1, now);
    this.#gain.gain.linearRampToValueAtTime(0, now + FADE_SEC);
    source.stop(now + FADE_SEC);
    this.onState(false);
  }

  close() {
    this.stop();
    this.#context?.close();
    this.#context = null;
  }

  /** @param {Float32Array<ArrayBuffer>} samples @param {number} fromSec */
  #start(samples, fromSec) {
    this.unlock();
    const context = this.#context;
    this.stop();
    this.#samples = samples;
    if (context === null || samples.length === 0) return;
    const buffer = context.createBuffer(1, samples.length, SAMPLE_RATE_HZ);
    buffer.copyToChannel(samples, 0);
    const gain = new GainNode(context, { gain: 0 });
    const source = new AudioBufferSourceNode(context, { buffer, loop: this.#loop });
    source.connect(gain).connect(context.destination);
    gain.gain.linearRampToValueAtTime(1, context.currentTime + FADE_SEC);
    source.onended = () => {
      if (this.#source !== source) return;
      this.#source = null;
      this.onState(false);
    };
    source.start(context.currentTime, this.#loop ? fromSec % buffer.duration : Math.min(fromSec, buffer.duration));
    [this.#source, this.#gain] = [source, gain];
    this.#startedSec = context.currentTime - fromSec;
    this.onState(true);
  }
}
