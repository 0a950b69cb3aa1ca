import { Microphone } from "../audio/microphone.js";
import { MicrophoneProblem } from "../audio/microphone-problem.js";

const MUTED_MS = 10_000; // A headset that changes its profile, or a call that is declined, is over sooner.

/**
 * The microphone of a talk: which one is open, and how it is lost. If the system mutes it, the talk pauses; if it stays
 * muted, it is lost. A lost microphone is never replaced by another one that the participant has not chosen.
 */
export class TalkMicrophone {
  onPaused = /** @type {(paused: boolean) => void} */ (() => {});
  onLost = /** @type {(problem: MicrophoneProblem) => void} */ (() => {});
  #requested;
  #choice;
  #microphone = /** @type {Microphone | null} */ (null);
  #permission = /** @type {PermissionStatus | null} */ (null); // null where the browser does not tell
  #wait = /** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined);
  #paused = false;
  #withdrawn = () => this.#permission?.state !== "granted" && this.lose("denied");

  /**
   * @param {import("../audio/microphone.js").CaptureSettings} requested the settings that the study requests
   * @param {import("../audio/microphone-choice.js").MicrophoneChoice} choice
   */
  constructor(requested, choice) {
    this.#requested = requested;
    this.#choice = choice;
  }

  /** Whether the system has muted it. */
  get paused() {
    return this.#paused;
  }

  get isNarrow() {
    return this.#microphone?.isNarrow ?? false;
  }

  /** Opens a microphone in place of the one before. @param {string} deviceId @throws {MicrophoneProblem} */
  async open(deviceId) {
    const microphone = await Microphone.open(this.#requested, deviceId);
    const wasPaused = this.#paused;
    this.close();
    this.#microphone = microphone;
    microphone.onEnded = () => this.lose("ended");
    microphone.onMuted = (muted) => this.#pause(muted);
    if (microphone.isMuted) this.#pause(true);
    else if (wasPaused) this.onPaused(false);
    await this.#choice.refresh(microphone.deviceId);
    await this.#watchPermission(microphone);
  }

  /**
   * Returns the order that makes the talk's Worker listen to it, and what must be transferred; null without one.
   * @param {import("./messages.js").DeviceSettings} playback settings of the playback
   * @returns {Promise<[import("./messages.js").ToWorker, Transferable] | null>}
   */
  async orderToListen(playback) {
    const microphone = this.#microphone;
    if (microphone === null) return null;
    const source = await microphone.source();
    const settings = { ...microphone.settings(), ...playback };
    const order = /** @type {const} */ ({ do: "listen", source, latencyMs: microphone.latencyMs, settings });
    return [order, source.method === "processor" ? source.readable : source.port];
  }

  /** Must be called when it is known to be lost. @param {import("../audio/microphone-problem.js").Loss} loss */
  lose(loss) {
    const isWithdrawn = this.#permission !== null && this.#permission.state !== "granted";
    this.close();
    this.onLost(MicrophoneProblem.lost(isWithdrawn ? "denied" : loss));
  }

  close() {
    clearTimeout(this.#wait);
    this.#paused = false;
    this.#permission?.removeEventListener("change", this.#withdrawn);
    this.#permission = null;
    this.#microphone?.close();
    this.#microphone = null;
  }

  /** @param {boolean} muted by the system */
  #pause(muted) {
    if (muted === this.#paused) return;
    this.#paused = muted;
    clearTimeout(this.#wait);
    if (muted) this.#wait = setTimeout(() => this.lose("muted"), MUTED_MS);
    this.onPaused(muted);
  }

  /** @param {Microphone} microphone */
  async #watchPermission(microphone) {
    const name = /** @type {PermissionName} */ ("microphone");
    const permission = await navigator.permissions?.query({ name }).catch(() => null); // Some browsers do not know it.
    if (permission?.state !== "granted" || this.#microphone !== microphone) return;
    this.#permission = permission;
    permission.addEventListener("change", this.#withdrawn);
  }
}
