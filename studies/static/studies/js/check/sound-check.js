const TONE_HZ = 1_000;
const TONE_GAIN = 0.2;
const BEEP_SEC = 0.35;
const BEEPS = 3;
const PAUSE_SEC = 0.15;
const LEAK_DB = 15; // If the tone is this much louder at the microphone while it plays, it comes from loudspeakers.

/** Plays test tones and listens to the microphone in one audio context, to detect the tones at the microphone. */
export class SoundCheck {
  #context = new AudioContext({ latencyHint: "interactive" });
  #analyser = this.#context.createAnalyser();
  #spectrum;
  #replaying = /** @type {AudioBufferSourceNode | null} */ (null);

  /** Must be called while a click is handled. */
  constructor() {
    this.#analyser.fftSize = 2_048;
    this.#analyser.smoothingTimeConstant = 0;
    this.#spectrum = new Float32Array(this.#analyser.frequencyBinCount);
    this.#context.resume();
  }

  get contextHz() {
    return this.#context.sampleRate;
  }

  /** @param {MediaStream} stream of the microphone */
  listen(stream) {
    this.#context.createMediaStreamSource(stream).connect(this.#analyser);
  }

  /** @returns {Promise<{leak_db: number, leaking: boolean}>} how much louder the tone was at the microphone */
  async playTone() {
    await this.#context.resume();
    const before = await this.#loudestAtTone(0.4);
    const oscillator = new OscillatorNode(this.#context, { frequency: TONE_HZ });
    const gain = new GainNode(this.#context, { gain: 0 });
    oscillator.connect(gain).connect(this.#context.destination);
    const start = this.#context.currentTime + 0.05;
    for (let beep = 0; beep < BEEPS; beep++) {
      const at = start + beep * (BEEP_SEC + PAUSE_SEC);
      gain.gain.setTargetAtTime(TONE_GAIN, at, 0.01);
      gain.gain.setTargetAtTime(0, at + BEEP_SEC, 0.01);
    }
    const durationSec = BEEPS * (BEEP_SEC + PAUSE_SEC);
    oscillator.start(start);
    oscillator.stop(start + durationSec);
    const during = await this.#loudestAtTone(durationSec + 0.3);
    const leak_db = Math.round(during - before);
    return { leak_db, leaking: leak_db >= LEAK_DB };
  }

  /** Plays a recording, and stops an earlier one. @param {import("./measures.js").Stretch} stretch */
  async replay({ samples, rateHz }) {
    this.#replaying?.stop();
    if (samples.length === 0) return;
    await this.#context.resume();
    const buffer = this.#context.createBuffer(1, samples.length, rateHz);
    buffer.copyToChannel(samples, 0);
    this.#replaying = new AudioBufferSourceNode(this.#context, { buffer });
    this.#replaying.connect(this.#context.destination);
    this.#replaying.start();
  }

  close() {
    this.#context.close();
  }

  /** @param {number} sec @returns {Promise<number>} highest level at the tone's frequency at the microphone, in dB */
  async #loudestAtTone(sec) {
    const bin = Math.round((TONE_HZ * this.#analyser.fftSize) / this.#context.sampleRate);
    const end = performance.now() + sec * 1_000;
    let loudest = this.#analyser.minDecibels;
    while (performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 30));
      this.#analyser.getFloatFrequencyData(this.#spectrum);
      loudest = Math.max(loudest, this.#spectrum[bin]);
    }
    return loudest;
  }
}
