import { currentCatalogue, translate } from "../i18n.js";
import { MicrophoneChoice } from "../audio/microphone-choice.js";
import { MicrophoneProblem } from "../audio/microphone-problem.js";
import { Speaker } from "../audio/speaker.js";
import { EarlyEnd } from "./early-end.js";
import { WakeLock } from "./wake-lock.js";
import { Restarts } from "./restarts.js";
import {
  endedScreen,
  failedScreen,
  interruptedScreen,
  lostScreen,
  queueScreen,
  restartingScreen,
  SCREENS,
  UNHEARD,
} from "./states.js";
import { TalkMicrophone } from "./talk-microphone.js";
import { TalkView } from "./talk-view.js";
import { openTake, Refusal } from "./ticket.js";

const WORKER = new URL("./worker.js", import.meta.url);

/**
 * @typedef {object} TalkConfig
 * @property {string} takesUrl
 * @property {string} hereUrl address that makes this tab the newest one
 * @property {string} doneUrl
 * @property {number} limitMs
 * @property {import("../audio/microphone.js").CaptureSettings} capture
 * @property {string} [interrupted] what happened to an earlier take
 * @property {boolean} [hearYourself] whether participants may hear themselves as the engine does
 */

/** The talk page, on which the participant can start several takes, one after another. */
export class Talk {
  #config;
  #csrfToken;
  #view;
  #choice;
  #state = /** @type {import("./states.js").State} */ ("idle");
  #microphone;
  #lost = /** @type {MicrophoneProblem | null} */ (null); // how the microphone was lost
  #speaker = /** @type {Speaker | null} */ (null);
  #worker = /** @type {Worker | null} */ (null);
  #wakeLock = /** @type {WakeLock | null} */ (null);
  #timer = /** @type {ReturnType<typeof setInterval> | undefined} */ (undefined);
  #liveSinceMs = NaN;
  #muted = false;
  #earlyEnd;
  #restarts = new Restarts(
    (secondsLeft) => (this.#view.countdown = secondsLeft),
    () => this.#start(),
  );
  #lastEnd = SCREENS.idle;
  #isOlder = false;

  /** @param {HTMLElement} root @param {TalkConfig} config @param {string} csrfToken @param {TalkView} [view] */
  constructor(root, config, csrfToken, view = new TalkView(root)) {
    this.#config = config;
    this.#csrfToken = csrfToken;
    this.#view = view;
    this.#view.limitMs = config.limitMs;
    const select = /** @type {HTMLSelectElement} */ (this.#view.part("microphone"));
    this.#choice = new MicrophoneChoice(select, this.#view.part("microphone-field"));
    this.#choice.onChoose = (deviceId) => this.#changeMicrophone(deviceId);
    this.#microphone = new TalkMicrophone(config.capture, this.#choice);
    this.#microphone.onPaused = (paused) => this.#pause(paused);
    this.#microphone.onLost = (problem) => this.#loseMicrophone(problem);
    const question = /** @type {HTMLDialogElement} */ (this.#view.part("ask"));
    this.#earlyEnd = new EarlyEnd(question, this.#view.part("wait"), this.#view.part("end-anyway"));
    this.#earlyEnd.onEnd = () => this.#end();
    this.#listen();
    const problem = MicrophoneProblem.ofBrowser();
    if (problem !== null) this.#fail(problem.title, problem.message);
    else this.#show("idle", config.interrupted ? interruptedScreen(config.interrupted) : SCREENS.idle);
  }

  #listen() {
    const on = (/** @type {string} */ part, /** @type {() => void} */ action) =>
      this.#view.part(part).addEventListener("click", action);
    on("start", () => this.#begin());
    on("cancel", () => this.#end());
    on("end", () => this.#earlyEnd.end());
    on("mute", () => this.#mute(!this.#muted));
    on("sound", () => this.#speaker?.resume());
    if (this.#config.hearYourself) this.#view.onMonitor = (level) => this.#monitor(level);
    this.#view.onMuteKey = () => this.#isTalking && this.#mute(!this.#muted);
    addEventListener("beforeunload", (event) => {
      if (this.#isTalking) event.preventDefault();
    });
  }

  get #isTalking() {
    return this.#state === "live" || this.#state === "reconnecting" || this.#state === "paused";
  }

  /** @param {import("./states.js").State} state @param {import("./states.js").Screen} screen */
  #show(state, screen) {
    this.#state = state;
    if (!this.#isTalking) this.#earlyEnd.close();
    this.#view.show(state, screen);
  }

  #begin() {
    if (this.#isOlder) return location.assign(this.#config.hereUrl); // Loading it makes this tab the newest.
    if (this.#state === "restarting") return this.#restarts.skip();
    this.#restarts.reset();
    this.#start();
  }

  async #start() {
    this.#view.clearWarnings();
    this.#view.words.clear();
    this.#view.limitMs = this.#config.limitMs;
    this.#lost = null;
    this.#earlyEnd.reset();
    this.#show("asking", SCREENS.asking);
    try {
      const speaker = (this.#speaker = this.#newSpeaker()); // must be created while the click is handled
      await this.#openMicrophone(this.#choice.deviceId);
      this.#show("connecting", SCREENS.connecting);
      const playbackPort = await speaker.open();
      const monitorPort = this.#config.hearYourself ? await speaker.openMonitor() : null;
      const worker = (this.#worker = this.#newWorker());
      await this.#sendMicrophone();
      const take = await openTake(this.#config.takesUrl, this.#csrfToken);
      this.#view.opened(take.take);
      const { socketUrl, ticketUrl, ticket, graceMs } = take;
      const address = { socketUrl, ticketUrl, ticket, graceMs, csrfToken: this.#csrfToken };
      const catalogue = currentCatalogue();
      const ports = monitorPort === null ? [playbackPort] : [playbackPort, monitorPort];
      if (this.#worker === worker) this.#tell({ do: "open", address, playbackPort, monitorPort, catalogue }, ports);
    } catch (error) {
      if (error instanceof MicrophoneProblem) this.#fail(error.title, error.message);
      else if (error instanceof Refusal) this.#refused(error);
      else if (error instanceof DOMException || error instanceof TypeError)
        this.#fail(translate("The server cannot be reached"), translate("Check your connection, then try again."));
      else throw error;
    }
  }

  #newSpeaker() {
    const speaker = new Speaker();
    speaker.onLevel = (level) => this.#isTalking && this.#showAgent(level);
    speaker.onClock = (offsetMs) => this.#tell({ do: "outputClock", offsetMs });
    speaker.onBlocked = (blocked) => (this.#view.part("sound").hidden = !blocked);
    return speaker;
  }

  #newWorker() {
    const worker = new Worker(WORKER, { type: "module" });
    worker.onmessage = ({ data }) => this.#hear(data);
    worker.onerror = () =>
      this.#fail(translate("This page did not load completely"), translate("Reload the page and try again."));
    return worker;
  }

  /** @param {import("./messages.js").ToWorker} order @param {Transferable[]} [transfer] */
  #tell(order, transfer = []) {
    this.#worker?.postMessage(order, transfer);
  }

  // microphone

  /** @param {string} deviceId @throws {MicrophoneProblem} */
  async #openMicrophone(deviceId) {
    await this.#microphone.open(deviceId);
    this.#view.warn("microphone");
    this.#view.warnOfNarrow(this.#microphone.isNarrow);
  }

  async #sendMicrophone() {
    if (this.#speaker === null) return;
    const order = await this.#microphone.orderToListen(this.#speaker.settings());
    if (order !== null) this.#tell(order[0], [order[1]]);
  }

  /** @param {string} deviceId */
  async #changeMicrophone(deviceId) {
    if (this.#worker === null) return; // The choice is remembered for the next start.
    try {
      await this.#openMicrophone(deviceId);
      await this.#sendMicrophone();
    } catch (error) {
      if (!(error instanceof MicrophoneProblem)) throw error;
      this.#view.warn("microphone", `${error.title}. ${error.message}`);
    }
  }

  /** @param {boolean} paused */
  #pause(paused) {
    this.#tell({ do: "pause", paused });
    if (paused) this.#view.participantMeter.clear();
    if (this.#state === "live" || this.#state === "paused") this.#goLive();
  }

  /** Ends the talk, which can be had again. @param {MicrophoneProblem} problem */
  #loseMicrophone(problem) {
    this.#lost = problem;
    this.#view.participantMeter.clear();
    if (this.#worker === null || this.#state === "ending") return;
    this.#show("ending", { status: problem.title });
    this.#tell({ do: "end", reason: "microphone_lost" });
  }

  /** @param {boolean} muted */
  #mute(muted) {
    this.#muted = muted;
    this.#view.muted = muted;
    this.#tell({ do: "mute", muted });
  }

  /** @param {number} level from 0 to 1 */
  #monitor(level) {
    if (this.#speaker !== null) this.#speaker.monitorLevel = level;
    this.#tell({ do: "monitor", level });
  }

  /** @param {import("../audio/level-gauge.js").Level} level */
  #showAgent(level) {
    this.#view.agentMeter.show(level);
    this.#earlyEnd.heard(level);
  }

  // what the Worker says

  /** @param {import("./messages.js").FromWorker} message */
  #hear(message) {
    switch (message.say) {
      case "level":
        if (this.#isTalking && !this.#muted) this.#view.participantMeter.show(message.level);
        break;
      case "hello":
        this.#view.limitMs = message.limitMs;
        if (message.elapsedMs > 0) this.#liveSinceMs = performance.now() - message.elapsedMs;
        break;
      case "queue":
        this.#show("queue", queueScreen(message.position));
        break;
      case "live":
        this.#goLive();
        break;
      case "lost":
        if (this.#state === "live") this.#show("reconnecting", SCREENS.reconnecting);
        break;
      case "unheard":
        this.#view.warn("unheard", UNHEARD);
        break;
      case "stalled":
        this.#microphone.lose("stalled");
        break;
      case "event":
        if (this.#earlyEnd.happened(message.event, message.data)) this.#view.warn("unheard");
        this.#view.happened(message.event, message.data);
        break;
      case "sounding":
        this.#view.words.sound(message.step);
        break;
      case "ended":
        this.#ended(message.reason, message.message);
        break;
    }
  }

  #goLive() {
    if (this.#state === "ending") return;
    if (Number.isNaN(this.#liveSinceMs)) this.#liveSinceMs = performance.now();
    const { paused } = this.#microphone;
    this.#tell({ do: "pause", paused });
    if (paused) this.#show("paused", SCREENS.paused);
    else this.#show("live", SCREENS.live);
    this.#wakeLock ??= new WakeLock();
    clearInterval(this.#timer);
    const tick = () => (this.#view.elapsedMs = performance.now() - this.#liveSinceMs);
    this.#timer = setInterval(tick, 200);
    tick();
  }

  // ending

  #end() {
    if (this.#isTalking) this.#show("ending", SCREENS.ending);
    if (this.#state === "restarting") {
      this.#restarts.cancel();
      return this.#show("ended", this.#lastEnd);
    }
    if (this.#worker === null) return this.#close("idle", SCREENS.idle);
    this.#tell({ do: "end", reason: "participant" });
  }

  /** @param {Refusal} refusal */
  #refused({ code, message }) {
    this.#isOlder = code === "another_tab";
    this.#close("failed", endedScreen(code, message));
  }

  /** @param {string} reason @param {string} message */
  #ended(reason, message) {
    this.#isOlder = reason === "another_tab";
    const given = reason === "participant" && Number.isNaN(this.#liveSinceMs);
    const again = this.#restarts.begin(reason, performance.now() - this.#liveSinceMs);
    const often = reason === "engine_lost" && this.#restarts.exhausted;
    const repeated = `${message} ${translate("It has stopped several times in a row.")}`;
    const text = often && !again ? repeated : message;
    this.#lastEnd = this.#lost === null ? endedScreen(reason, text) : lostScreen(this.#lost, text);
    if (given) this.#close("idle", SCREENS.idle);
    else if (again) this.#close("restarting", restartingScreen(message));
    else this.#close("ended", this.#lastEnd);
  }

  /** @param {string} title @param {string} message */
  #fail(title, message) {
    this.#close("failed", failedScreen(title, message));
  }

  /** @param {import("./states.js").State} state @param {import("./states.js").Screen} screen */
  #close(state, screen) {
    clearInterval(this.#timer);
    this.#worker?.terminate();
    this.#speaker?.close();
    this.#microphone.close();
    this.#wakeLock?.close();
    this.#worker = this.#speaker = this.#wakeLock = null;
    this.#liveSinceMs = NaN;
    this.#muted = false;
    this.#view.muted = false;
    this.#view.silenceMonitor();
    this.#view.part("sound").hidden = true;
    this.#view.clearWarnings();
    this.#show(state, screen);
  }
}
