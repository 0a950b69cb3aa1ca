import { SAMPLE_RATE_HZ } from "../contract/audio.js";

const PLAYBACK_WORKLET = new URL("../worklets/playback.js", import.meta.url);
const CLOCK_EVERY_MS = 500;

/** Plays the agent's voice in an audio context at 24 kHz, so that samples are not resampled here. */
export class Speaker {
  onLevel = /** @type {(level: import("./level-gauge.js").Level) => void} */ (() => {});
  onClock = /** @type {(offsetMs: number) => void} */ (() => {}); // wall-clock time of the context's time 0
  onBlocked = /** @type {(blocked: boolean) => void} */ (() => {}); // whether the browser or system stopped the sound
  #context = new AudioContext({ sampleRate: SAMPLE_RATE_HZ, latencyHint: "interactive" });
  #node = /** @type {AudioWorkletNode | null} */ (null);
  #monitor = /** @type {AudioWorkletNode | null} */ (null);
  #monitorGain = /** @type {GainNode | null} */ (null);
  #clock = /** @type {ReturnType<typeof setInterval> | undefined} */ (undefined);

  /** Must be called while a click is handled; otherwise the browser keeps it silent. */
  constructor() {
    this.#context.addEventListener("statechange", () => this.onBlocked(this.#context.state !== "running"));
    this.resume();
  }

  /** @returns {Promise<MessagePort>} port for the talk's Worker: takes `{step, pcm}` and reports the playback */
  async open() {
    await this.#context.audioWorklet.addModule(PLAYBACK_WORKLET);
    this.#node = new AudioWorkletNode(this.#context, "playback", { numberOfInputs: 0, outputChannelCount: [1] });
    this.#node.connect(this.#context.destination);
    this.#node.port.onmessage = ({ data }) => this.onLevel(data);
    const { port1, port2 } = new MessageChannel();
    this.#node.port.postMessage({ port: port1 }, [port1]);
    this.#clock = setInterval(() => this.#tellClock(), CLOCK_EVERY_MS);
    return port2;
  }

  /**
   * Adds a second voice: the participant's own as the engine hears it, silent at first. Requires `open`.
   * @returns {Promise<MessagePort>} port that takes `{step, pcm}`
   */
  async openMonitor() {
    this.#monitorGain = new GainNode(this.#context, { gain: 0 });
    this.#monitor = new AudioWorkletNode(this.#context, "playback", { numberOfInputs: 0, outputChannelCount: [1] });
    this.#monitor.connect(this.#monitorGain).connect(this.#context.destination);
    const { port1, port2 } = new MessageChannel();
    this.#monitor.port.postMessage({ port: port1 }, [port1]);
    return port2;
  }

  /** @param {number} level from 0 to 1 */
  set monitorLevel(level) {
    this.#monitorGain?.gain.setTargetAtTime(level, this.#context.currentTime, 0.02);
  }

  /** Starts the sound, or resumes it after the system stopped it. Some browsers require a click. */
  resume() {
    this.#context.resume().catch(() => this.onBlocked(true));
  }

  settings() {
    return {
      playback_context_hz: this.#context.sampleRate,
      playback_base_latency_sec: this.#context.baseLatency,
      playback_output_latency_sec: this.#context.outputLatency ?? null,
    };
  }

  close() {
    clearInterval(this.#clock);
    this.onBlocked = () => {};
    this.#node?.port.postMessage({ port: null });
    this.#monitor?.port.postMessage({ port: null });
    if (this.#context.state !== "closed") this.#context.close();
  }

  #tellClock() {
    const { contextTime, performanceTime } = this.#context.getOutputTimestamp();
    if (contextTime && performanceTime) this.onClock(performance.timeOrigin + performanceTime - contextTime * 1_000);
  }
}
