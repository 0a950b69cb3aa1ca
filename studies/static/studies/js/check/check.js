import { translate } from "../i18n.js";
import { MicrophoneChoice } from "../audio/microphone-choice.js";
import { MicrophoneProblem } from "../audio/microphone-problem.js";
import { PreviewSocket } from "../preview/preview-socket.js";
import { Attempts } from "./attempts.js";
import { DelayCheck } from "./delay-check.js";
import { judge } from "./measures.js";
import { MeasuresView, toneAndText } from "./measures-view.js";
import { MicrophoneCheck } from "./microphone-check.js";
import { SelfCheck } from "./self-check.js";
import { SoundCheck } from "./sound-check.js";

/**
 * @typedef {object} CheckConfig
 * @property {import("../audio/microphone.js").CaptureSettings} capture
 * @property {string} [previewUrl] of the session's preview socket
 * @property {number} [previewVoices] how many voices participants may hear themselves in
 * @property {string} attemptsUrl where every run is sent
 * @property {import("./measures.js").Limits} limits the study's thresholds
 * @property {"warn" | "block"} onFail
 * @property {Record<import("./measures.js").Failure, string>} mending what is wrong and how to fix it
 * @property {boolean} mayLeave whether the check has failed so often that the participant may leave
 */

/**
 * The device check: silence and a sentence at the microphone, test tones, headphones, the connection to the server, and
 * "hear yourself" if the study offers it. The report goes into the form's field `device` (see Report in
 * studies/participant/checking/device.py).
 */
export class DeviceCheck {
  #root;
  #config;
  #microphone;
  #measures;
  #attempts;
  #sound = /** @type {SoundCheck | null} */ (null);
  #leak = /** @type {{leak_db: number, leaking: boolean} | null} */ (null);
  #heard = /** @type {boolean | null} */ (null);
  #preview = /** @type {PreviewSocket | null} */ (null);
  #delay = /** @type {DelayCheck | null} */ (null);
  #self = /** @type {SelfCheck | null} */ (null);
  #measuring = /** @type {Promise<void> | undefined} */ (undefined); // of the connection
  #mayLeave;
  #left = /** @type {HTMLButtonElement | null} */ (null); // a button that was disabled while it had the focus
  #run = ""; // id of the current run, so that the server counts it once

  /** @param {HTMLFormElement} root @param {CheckConfig} config */
  constructor(root, config) {
    this.#root = root;
    this.#config = config;
    this.#mayLeave = config.mayLeave;
    const token = /** @type {HTMLInputElement} */ (root.elements.namedItem("csrfmiddlewaretoken"));
    this.#attempts = new Attempts(config.attemptsUrl, token.value);
    const select = /** @type {HTMLSelectElement} */ (this.#part("microphone"));
    const choice = new MicrophoneChoice(select, this.#part("microphone-field"));
    choice.onChoose = () => this.#checkMicrophone();
    this.#microphone = new MicrophoneCheck((name) => this.#part(name), config.capture, choice);
    this.#microphone.onResult = () => this.#checkedMicrophone();
    this.#measures = new MeasuresView(this.#part("measures"));
    this.#on("listen", () => this.#checkMicrophone());
    this.#on("replay", () => this.#replay());
    this.#on("play", () => this.#checkSound());
    this.#on("heard-yes", () => this.#answer(true));
    this.#on("heard-no", () => this.#answer(false));
    root.addEventListener("change", () => this.#update());
    root.addEventListener("submit", () => this.#close());
    const problem = MicrophoneProblem.ofBrowser();
    if (problem !== null) this.#say("microphone-result", "error", `${problem.title}. ${problem.message}`);
    this.#enable("listen", problem === null);
    if (config.previewUrl !== undefined) this.#connect(config.previewUrl, config.previewVoices ?? 0, choice);
    this.#update();
  }

  /** @param {string} url @param {number} voices @param {MicrophoneChoice} choice */
  #connect(url, voices, choice) {
    this.#preview = new PreviewSocket(url);
    this.#delay = new DelayCheck(this.#preview, this.#part("delay-result"));
    this.#delay.onResult = () => this.#checkedDelay();
    this.#on("measure", () => this.#measureDelay());
    this.#measureDelay();
    if (voices === 0) return;
    const options = { capture: this.#config.capture, voices, deviceId: () => choice.deviceId };
    this.#self = new SelfCheck(this.#root, options, this.#preview);
    this.#self.onHeard = () => this.#update();
  }

  // connection

  #measureDelay() {
    this.#begin();
    this.#enable("measure", false);
    this.#measuring = this.#delay?.measure();
  }

  #checkedDelay() {
    this.#enable("measure", true);
    const failed = this.#failed().includes("round_trip_ms");
    this.#say("delay-mend", failed ? "warning" : "", failed ? this.#config.mending.round_trip_ms : "");
    if (this.#microphone.measures !== null) this.#tell();
    this.#update();
  }

  // microphone

  #checkMicrophone() {
    this.#begin();
    this.#enable("listen", false);
    this.#part("replay").hidden = true;
    this.#measures.show([]);
    this.#say("microphone-result");
    const sound = (this.#sound ??= new SoundCheck()); // must be created while the click is handled
    this.#microphone.run((stream) => sound.listen(stream));
    this.#update();
  }

  #checkedMicrophone() {
    const { measures, problem, sentence } = this.#microphone;
    this.#part("listen").textContent = translate("Check again");
    this.#enable("listen", true);
    this.#part("replay").hidden = (sentence?.samples.length ?? 0) === 0;
    if (problem !== null) this.#say("microphone-result", "error", `${problem.title}. ${problem.message}`);
    if (measures !== null) this.#showMeasures(measures);
    this.#tell();
    this.#update();
  }

  /** @param {import("./measures.js").Measures} measures */
  #showMeasures(measures) {
    const failed = this.#failed();
    const { verdict } = measures.microphone;
    const names = /** @type {const} */ (["noise_dbfs", "snr_db", "clipped_percent"]);
    this.#measures.show(
      verdict === "silent"
        ? []
        : names.map((name) => ({
            name,
            value: measures[name],
            failed: failed.includes(name),
            mend: this.#config.mending[name],
          })),
    );
    const narrow = this.#microphone.settings?.narrow
      ? translate(
          "This headset records in telephone quality while its microphone is on. If you can, use a wired headset or another microphone.",
        )
      : "";
    const [tone, text] = toneAndText(measures, failed, this.#config);
    this.#say("microphone-result", narrow && tone === "success" ? "warning" : tone, `${text} ${narrow}`.trim());
  }

  #replay() {
    const { sentence } = this.#microphone;
    if (sentence !== null) this.#sound?.replay(sentence);
  }

  // sound

  async #checkSound() {
    this.#enable("play", false);
    this.#heard = null;
    this.#say("sound-result");
    this.#sound ??= new SoundCheck();
    this.#leak = await this.#sound.playTone();
    this.#part("play").textContent = translate("Play them again");
    this.#part("question").hidden = false;
    this.#enable("play", true);
    this.#update();
  }

  /** @param {boolean} heard */
  #answer(heard) {
    this.#heard = heard;
    if (!heard)
      this.#say(
        "sound-result",
        "warning",
        translate("Turn up the volume, make sure that the sound goes to the right device, then play the tones again."),
      );
    else if (this.#leak?.leaking)
      this.#say(
        "sound-result",
        "warning",
        translate("Your microphone picks up your loudspeakers, so the machine would hear itself. Please use headphones."),
      );
    else this.#say("sound-result", "success", translate("Good: you can hear the tones, and your microphone does not pick them up."));
    this.#update();
  }

  // what was found

  /** Begins a new run. */
  #begin() {
    this.#run = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  #report() {
    const { measures, problem, settings } = this.#microphone;
    const { applied, kind, ...capture } = settings ?? { applied: {}, kind: undefined };
    const output = new FormData(this.#root).get("output");
    const without = problem?.code ?? "not_done";
    const round_trip_ms = this.#delay?.serverMs ?? null;
    return {
      run: this.#run,
      noise_dbfs: measures?.noise_dbfs ?? null,
      snr_db: measures?.snr_db ?? null,
      clipped_percent: measures?.clipped_percent ?? null,
      round_trip_ms,
      unmeasured: {
        ...(measures === null ? { noise_dbfs: without, snr_db: without, clipped_percent: without } : {}),
        ...(round_trip_ms === null ? { round_trip_ms: "no_connection" } : {}),
      },
      microphone: measures?.microphone ?? null,
      sound: { heard: this.#heard, ...this.#leak, output },
      input: settings === null ? {} : { ...applied, kind },
      settings: settings === null ? null : capture,
      check_context_hz: this.#sound?.contextHz ?? null,
      delay: this.#delay === null ? null : { ...this.#delay.result, heard_self: this.#self?.heard ?? null },
    };
  }

  #failed() {
    return judge(this.#report(), this.#config.limits);
  }

  /** Sends the run at once, so that it is stored even if the page is closed. */
  async #tell() {
    await this.#measuring;
    const verdict = await this.#attempts.send(this.#report());
    if (verdict === null) return;
    this.#mayLeave = verdict.mayLeave;
    this.#update();
  }

  #update() {
    for (const [part, answer] of /** @type {const} */ ([
      ["heard-yes", true],
      ["heard-no", false],
    ]))
      this.#part(part).setAttribute("aria-pressed", String(this.#heard === answer));
    const report = this.#report();
    const failed = judge(report, this.#config.limits);
    const blocked = this.#config.onFail === "block" ? failed.length > 0 : failed.includes("microphone");
    const missing = [
      this.#microphone.measures === null || failed.includes("microphone") ? translate("the microphone") : null,
      this.#heard ? null : translate("the sound"),
      report.sound.output === null ? translate("the headphones") : null,
    ].filter((step) => step !== null);
    this.#enable("continue", missing.length === 0 && !blocked);
    this.#part("missing").textContent = this.#stillToDo(missing, blocked);
    this.#part("leave").hidden = !this.#mayLeave || !blocked;
    /** @type {HTMLInputElement} */ (this.#part("device")).value = JSON.stringify(report);
  }

  /** @param {string[]} missing @param {boolean} blocked */
  #stillToDo(missing, blocked) {
    if (missing.length > 0) return translate("Still to do: %(steps)s.", { steps: missing.join(", ") });
    return blocked ? translate("You can continue as soon as the marked problems are fixed.") : "";
  }

  #close() {
    this.#microphone.close();
    this.#sound?.close();
    this.#self?.close();
    this.#preview?.close();
  }

  // elements

  /** @param {string} name */
  #part(name) {
    const element = this.#root.querySelector(`[data-part="${name}"]`);
    if (!(element instanceof HTMLElement)) throw new Error(`the page lacks its part ${name}`);
    return element;
  }

  /** @param {string} name @param {() => void} action */
  #on(name, action) {
    this.#part(name).addEventListener("click", action);
  }

  /**
   * Enables or disables a button. If it had the focus when it was disabled, it gets it back when it is enabled.
   * @param {string} name @param {boolean} enabled
   */
  #enable(name, enabled) {
    const button = /** @type {HTMLButtonElement} */ (this.#part(name));
    if (!enabled && document.activeElement === button) this.#left = button;
    button.disabled = !enabled;
    if (!enabled || this.#left !== button) return;
    this.#left = null;
    if (document.activeElement === document.body) button.focus({ preventScroll: true });
  }

  /** @param {string} name @param {string} [tone] @param {string} [text] */
  #say(name, tone = "", text = "") {
    const notice = this.#part(name);
    notice.className = tone ? `notice notice--${tone}` : "";
    notice.textContent = text;
  }
}
