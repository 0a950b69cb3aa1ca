import { MicrophoneProblem } from "./microphone-problem.js";

/** @typedef {"virtual" | "bluetooth" | "headset" | "usb" | "built-in" | "other" | "unknown"} MicrophoneKind */

const KINDS = /** @type {const} */ ([
  ["virtual", /virtual|fake|loopback|blackhole|vb-audio|voicemeeter|stereo mix|monitor of/i],
  ["bluetooth", /bluetooth|airpods|\bbuds\b|hands-?free|\bhfp\b/i],
  ["headset", /head-?(set|phone)|ear-?(pods|phone)|kopfh|hörlur/i],
  ["usb", /usb|yeti|snowball|røde|rode\b|focusrite|scarlett/i],
  ["built-in", /built-?in|internal|intern(t|es)?\b|integr|eingebaut|inbygg|macbook|imac|iphone|ipad|array|realtek/i],
]);

/**
 * Returns the kind of a microphone, judged by its name. The name itself ("Anna’s AirPods") is never sent.
 * @param {string} label
 * @returns {MicrophoneKind}
 */
export function microphoneKind(label) {
  if (label.trim() === "") return "unknown";
  const name = label.normalize("NFC"); // some systems write ö as o and two dots
  return KINDS.find(([, pattern]) => pattern.test(name))?.[0] ?? "other";
}

const NARROW_HZ = 16_000; // the rate to which a Bluetooth headset falls back while its microphone is open
const KEPT_BLOCKS = 500; // 5 s, in case a busy machine delays the Worker; browsers keep only 0.1 s by default
const CAPTURE_WORKLET = new URL("../worklets/capture.js", import.meta.url);

/**
 * @typedef {{echoCancellation: boolean, noiseSuppression: boolean, autoGainControl: boolean}} CaptureSettings
 * @typedef {import("./capture-source.js").CaptureSource} CaptureSource
 */

/** One open microphone. */
export class Microphone {
  onEnded = () => {}; // unplugged, or taken away by the system or by a withdrawn permission
  onMuted = /** @type {(muted: boolean) => void} */ (() => {}); // by the system, not by the participant
  #stream;
  #track;
  #requested;
  #context = /** @type {AudioContext | null} */ (null); // only for the worklet
  #node = /** @type {AudioWorkletNode | null} */ (null);

  /**
   * Opens a microphone. The browser asks for permission if that is needed.
   * @param {CaptureSettings} requested the settings that the study requests
   * @param {string} [deviceId] default: the system's microphone
   * @throws {MicrophoneProblem}
   */
  static async open(requested, deviceId) {
    const problem = MicrophoneProblem.ofBrowser();
    if (problem !== null) throw problem;
    try {
      const chosen = deviceId ? { deviceId: { exact: deviceId } } : {};
      const audio = { ...requested, ...chosen, channelCount: 1 };
      return new Microphone(await navigator.mediaDevices.getUserMedia({ audio }), requested);
    } catch (error) {
      throw MicrophoneProblem.of(error);
    }
  }

  /** Returns all microphones. Their names are known once one has been opened. */
  static async choices() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices.filter(({ kind }) => kind === "audioinput");
  }

  /** @param {MediaStream} stream @param {CaptureSettings} requested */
  constructor(stream, requested) {
    this.#stream = stream;
    this.#track = stream.getAudioTracks()[0];
    this.#requested = requested;
    this.#track.addEventListener("ended", () => this.onEnded());
    for (const name of ["mute", "unmute"]) this.#track.addEventListener(name, () => this.onMuted(name === "mute"));
  }

  get stream() {
    return this.#stream;
  }

  get deviceId() {
    return this.#track.getSettings().deviceId ?? "";
  }

  /** Whether the system has muted it. */
  get isMuted() {
    return this.#track.muted;
  }

  /** The latency that the browser reports; 0 if it reports none. */
  get latencyMs() {
    return 1_000 * (/** @type {{latency?: number}} */ (this.#track.getSettings()).latency ?? 0);
  }

  /** Whether this seems to be a headset that records in telephone quality. */
  get isNarrow() {
    const rateHz = this.#track.getSettings().sampleRate ?? Infinity;
    return rateHz <= NARROW_HZ || /hands-?free|\bhfp\b/i.test(this.#track.label);
  }

  get kind() {
    return microphoneKind(this.#track.label);
  }

  /**
   * Returns the microphone's audio, which can be transferred to the talk's Worker.
   * @returns {Promise<CaptureSource>}
   */
  async source() {
    if (typeof MediaStreamTrackProcessor === "function") {
      const track = /** @type {MediaStreamAudioTrack} */ (this.#track);
      const { readable } = new MediaStreamTrackProcessor({ track, maxBufferSize: KEPT_BLOCKS });
      return { method: "processor", readable };
    }
    this.#context = new AudioContext({ latencyHint: "interactive" }); // at the device's own rate
    await this.#context.audioWorklet.addModule(CAPTURE_WORKLET);
    await this.#context.resume();
    this.#node = new AudioWorkletNode(this.#context, "capture", {
      numberOfOutputs: 0,
      channelCount: 1,
      channelCountMode: "explicit",
    });
    const { port1, port2 } = new MessageChannel();
    this.#node.port.postMessage({ port: port1 }, [port1]);
    this.#context.createMediaStreamSource(this.#stream).connect(this.#node);
    return { method: "worklet", port: port2, rateHz: this.#context.sampleRate };
  }

  /** Returns the requested and applied settings, without ids and names of devices, because these can name a person. */
  settings() {
    const { deviceId: _, groupId: __, ...applied } = this.#track.getSettings();
    return {
      requested: this.#requested,
      applied,
      narrow: this.isNarrow,
      capture_method: this.#context === null ? "processor" : "worklet",
      capture_context_hz: this.#context?.sampleRate ?? null,
      capture_base_latency_sec: this.#context?.baseLatency ?? null,
      user_agent: navigator.userAgent,
    };
  }

  close() {
    this.onEnded = this.onMuted = () => {};
    this.#node?.port.postMessage({ port: undefined });
    this.#track.stop();
    this.#context?.close();
  }
}
