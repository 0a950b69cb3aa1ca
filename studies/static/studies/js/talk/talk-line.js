import { SAMPLES_PER_MS } from "../contract/audio.js";
import { translate } from "../i18n.js";
import { LevelGauge } from "../audio/level-gauge.js";
import { encodeAudio, encodeEvent } from "../contract/wire.js";
import { Capture } from "../audio/capture.js";
import { openSource } from "../audio/capture-source.js";
import { CaptureClock } from "./capture-clock.js";
import { FrameBacklog, MicrophoneFramer } from "./microphone-framer.js";
import { holdsSpeech } from "./unheard-speech.js";
import { PlaybackReports } from "./playback-reports.js";
import { TalkSocket } from "./talk-socket.js";

const MAX_SOCKET_BYTES = 128 * 1_024; // If more is unsent, frames wait in the backlog, where they can be sent again.
const ENDING_MS = 8_000; // time for the last frames and the server's `ended`
const WATCH_MS = 1_000;
const STALLED_LOOKS = 4; // sooner than the silence of the server, which would look like a lost connection
const TO_PAGE = new Set(["words", "transcript", "noticed", "turn", "away"]);

/**
 * Carries both directions of one take, outside the page's thread: microphone → frames → socket, and socket → playback
 * worklet. Recording starts with the first `live`; the next captured sample is number 0.
 */
export class TalkLine {
  #say;
  #capture = new Capture({
    onAudio: (samples) => this.#captured(samples),
    onSlip: (samples, cause) => this.#slipped(samples, cause),
  });
  #gauge = new LevelGauge(50 * SAMPLES_PER_MS);
  #clock = new CaptureClock();
  #reports = new PlaybackReports(this.#clock);
  #backlog = new FrameBacklog(0); // until `open`
  #framer = /** @type {MicrophoneFramer | null} */ (null); // from `live` on
  #socket = /** @type {TalkSocket | null} */ (null);
  #playback = /** @type {MessagePort | null} */ (null);
  #monitor = /** @type {MessagePort | null} */ (null);
  #stopSource = () => {};
  #inputLatencyMs = 0;
  #cursor = 0; // sequence of the next frame to send on this connection
  #listening = false; // whether there is a microphone
  #muted = false;
  #paused = false; // The system has muted the microphone.
  #ending = false;
  #endReason = /** @type {import("./messages.js").EndReason} */ ("participant");
  #looks = 0; // at the microphone since it last sent something
  #watch;
  #endTimer = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
  #untold = /** @type {Uint8Array<ArrayBuffer>[]} */ ([]); // events waiting for a connection

  /** @param {(message: import("./messages.js").FromWorker) => void} say */
  constructor(say) {
    this.#say = say;
    this.#watch = setInterval(() => this.#look(), WATCH_MS);
  }

  /** @param {Extract<import("./messages.js").ToWorker, {do: "listen"}>} order */
  listen({ source, latencyMs, settings }) {
    this.#stopSource();
    this.#listening = true;
    this.#inputLatencyMs = latencyMs;
    this.#capture.changeSource();
    this.#stopSource = openSource(source, (samples, rateHz, clockMs, missing) =>
      this.#capture.push(samples, rateHz, clockMs, missing, performance.now()),
    );
    this.#tell("device", { settings });
  }

  /** @param {Extract<import("./messages.js").ToWorker, {do: "open"}>} order */
  open({ address, playbackPort, monitorPort }) {
    this.#playback = playbackPort;
    this.#monitor = monitorPort;
    playbackPort.onmessage = ({ data }) => this.#played(data);
    this.#backlog = FrameBacklog.forGrace(address.graceMs);
    this.#socket = new TalkSocket(address, {
      onMessage: (message) => this.#receive(message),
      onLost: () => this.#say({ say: "lost" }),
      onClosed: (reason, message) => this.#finish(reason, message),
    });
  }

  /** @param {boolean} muted */
  mute(muted) {
    this.#muted = muted;
    if (this.#framer === null) return;
    this.#framer.muted = muted;
    this.#tell("mute", { muted, sample: this.#framer.position });
  }

  /** @param {boolean} paused */
  pause(paused) {
    this.#paused = paused;
    this.#expect();
  }

  /** @param {number} level from 0 to 1 */
  monitor(level) {
    this.#tell("monitor", { level });
  }

  /** @param {number} offsetMs */
  setOutputClock(offsetMs) {
    this.#reports.setOutputClock(offsetMs);
  }

  /**
   * Ends the talk. The frames so far are sent first, over a new connection if necessary.
   * @param {import("./messages.js").EndReason} reason
   */
  end(reason) {
    if (this.#ending) return;
    if (this.#socket === null) return this.#finish(reason, "");
    this.#ending = true;
    this.#endReason = reason;
    this.#stopSource();
    this.#endTimer = setTimeout(
      () => this.#finish("connection_lost", translate("The end of the conversation could not be confirmed. What has been said so far is saved.")),
      ENDING_MS,
    );
    this.#pump();
  }

  /** Must be called when the network is known to be lost. */
  drop() {
    this.#socket?.drop();
  }

  close() {
    this.#stopSource();
    clearInterval(this.#watch);
    clearTimeout(this.#endTimer);
    this.#socket?.close();
    this.#playback?.close();
    this.#monitor?.close();
  }

  // microphone

  /** @param {Float32Array} samples */
  #captured(samples) {
    this.#looks = 0;
    const level = this.#gauge.push(samples);
    if (level !== null) this.#say({ say: "level", level });
    if (this.#framer === null) return;
    this.#framer.push(samples);
    this.#clock.note(this.#framer.position, wallMs() - this.#inputLatencyMs);
    this.#pump();
  }

  /** @param {number} samples @param {string} cause */
  #slipped(samples, cause) {
    if (this.#framer === null) return;
    const sample = this.#framer.position;
    this.#framer.skip(samples);
    this.#tell("slip", { sample, slipped_samples: samples, cause });
    this.#say({ say: "slip", samples });
  }

  /** Counts seconds in which nothing came from the microphone. Seconds in which the machine slept do not count. */
  #look() {
    if (this.#framer === null || this.#paused || this.#ending) this.#looks = 0;
    else if (++this.#looks === STALLED_LOOKS) this.#say({ say: "stalled" });
  }

  /** Tells the socket whether the server answers all the time, as it does to what comes from the microphone. */
  #expect() {
    if (this.#socket !== null) this.#socket.live = this.#framer !== null && !this.#paused;
  }

  #begin() {
    this.#framer = new MicrophoneFramer((sequence, sample, pcm) =>
      this.#backlog.add(encodeAudio("participant", sequence, sample, pcm)),
    );
    if (this.#muted) this.mute(true);
    if (!this.#listening) this.#clock.note(0, wallMs()); // The server speaks a recorded question from now on.
  }

  /** Sends as many frames as the socket may take, and `end` after the last one. */
  #pump() {
    const socket = this.#socket;
    if (socket === null || !socket.ready) return;
    while (this.#cursor < this.#backlog.next && socket.backlogBytes < MAX_SOCKET_BYTES) {
      const frame = this.#backlog.frame(this.#cursor++);
      if (frame !== undefined) socket.send(frame);
    }
    if (!this.#ending) return;
    if (this.#cursor >= this.#backlog.next)
      socket.send(encodeEvent("end", this.#endReason === "participant" ? {} : { reason: this.#endReason }));
    else setTimeout(() => this.#pump(), 50);
  }

  // server

  /** @param {import("../contract/wire.js").Message} message */
  #receive(message) {
    switch (message.kind) {
      case "agent":
        this.#hear(message);
        break;
      case "heard":
        this.#monitor?.postMessage({ step: message.sequence, pcm: message.pcm }, [message.pcm.buffer]);
        break;
      case "ack":
        this.#backlog.acknowledge(message.sequence);
        break;
      case "metadata":
        this.#happened(message.event, message.data);
        break;
    }
  }

  /** @param {string} event @param {any} data as checked by the wire */
  #happened(event, data) {
    switch (event) {
      case "hello":
        this.#resume(data.next_sequence);
        this.#say({ say: "hello", limitMs: data.limit_ms, elapsedMs: data.elapsed_ms ?? 0 });
        if (this.#framer !== null) this.#say({ say: "live" });
        break;
      case "queue":
        this.#say({ say: "queue", position: data.position });
        break;
      case "live":
        if (this.#framer === null) this.#begin();
        this.#expect();
        this.#say({ say: "live" });
        break;
      case "ended":
        this.#finish(data.reason, data.message);
        break;
      default:
        if (TO_PAGE.has(event)) this.#say({ say: "event", event, data });
    }
  }

  /** Sends all frames that the server lacks over a new connection. @param {number} nextSequence the first it lacks */
  #resume(nextSequence) {
    if (nextSequence > 0) this.#backlog.acknowledge(nextSequence - 1);
    const first = this.#backlog.first;
    if (nextSequence < first) this.#tell("lost", { first: nextSequence, frames: first - nextSequence });
    this.#cursor = Math.max(nextSequence, first);
    if (holdsSpeech(this.#backlog.from(this.#cursor))) this.#say({ say: "unheard" });
    this.#flush();
    this.#pump();
  }

  /** @param {import("../contract/wire.js").AudioFrame} frame */
  #hear({ sequence, pcm }) {
    this.#playback?.postMessage({ step: sequence, pcm }, [pcm.buffer]);
    const report = this.#reports.received(sequence);
    if (report !== null) this.#socket?.send(report);
  }

  /** @param {string} reason @param {string} message */
  #finish(reason, message) {
    this.close();
    this.#say({ say: "ended", reason, message });
  }

  // playback

  /** @param {import("../worklets/playback.js").PlaybackReport} report */
  #played(report) {
    this.#reports.note(report);
    if (report.began !== undefined) this.#say({ say: "sounding", step: report.began.step });
    if (report.buffer !== undefined) {
      this.#tell("buffer", report.buffer);
      this.#say({ say: "buffer", change: report.buffer.change, underruns: report.underruns });
    }
  }

  // events

  /**
   * Sends events in order; without a connection, after the next `hello`.
   * @param {string} event
   * @param {import("../contract/wire.js").EventData} data
   */
  #tell(event, data) {
    this.#untold.push(encodeEvent(event, data));
    this.#flush();
  }

  #flush() {
    if (!this.#socket?.ready) return;
    for (const event of this.#untold.splice(0)) this.#socket.send(event);
  }
}

/** Returns a time that the page and its Worker share, and that does not jump with the system clock. */
function wallMs() {
  return performance.timeOrigin + performance.now();
}
