import { SAMPLE_RATE_HZ } from "../contract/audio.js";

const FADE_SEC = 0.02;

/** Plays a sentence, and can go on with another voice of it at the same place. */
export class VoicePlayer {
  onState = (/** @type {boolean} */ _playing) => {};
  #context = /** @type {AudioContext | null} */ (null);
  #samples = new Float32Array(0);
  #source = /** @type {AudioBufferSourceNode | null} */ (null);
  #gain = /** @type {GainNode | null} */ (null);
  #loop = false;
  #startedSec = 0; // context time at which the sentence's first sample would have sounded

  get playing() {
    return this.#source !== null;
  }

  /** @param {boolean} loop begin again at the end */
  set loop(loop) {
    this.#loop = loop;
    if (this.#source !== null) this.#source.loop = loop;
  }

  /** Call it while a click is handled, or the browser keeps it silent. */
  unlock() {
    this.#context ??= new AudioContext({ sampleRate: SAMPLE_RATE_HZ, latencyHint: "interactive" });
    this.#context.resume();
  }

  /** @param {Float32Array<ArrayBuffer>} samples at 24 kHz; played from the start */
  play(samples) {
    this.#start(samples, 0);
  }

  /** Goes on with these samples where the ones before are; from the start when nothing is played. @param {Float32Array<ArrayBuffer>} samples */
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
