import { Meter } from "../meter.js";
import { Microphone } from "../microphone.js";
import { MicrophoneChoice } from "../microphone-choice.js";
import { MicrophoneProblem } from "../microphone-problem.js";
import { PreviewSocket } from "../preview/preview-socket.js";
import { DelayCheck } from "./delay-check.js";
import { LevelCheck } from "./level-check.js";
import { SelfCheck } from "./self-check.js";
import { SoundCheck } from "./sound-check.js";

const SPEAK_MS = 5_000;
const WINDOW_MS = 40;

/** @type {Readonly<Record<import("./level-check.js").Verdict, {tone: string, text: string}>>} */
const VERDICTS = {
  ok: { tone: "success", text: "Your microphone works well." },
  quiet: {
    tone: "warning",
    text: "You are very quiet. Come closer to the microphone or raise its level in your system’s settings, then check again.",
  },
  silent: {
    tone: "error",
    text: "Nothing was heard. Is the right microphone chosen, and is it switched on? Then check again.",
  },
  clipping: {
    tone: "warning",
    text: "You are too loud and the sound is cut off. Move away from the microphone or lower its level, then check again.",
  },
};

/**
 * @typedef {object} CheckConfig
 * @property {import("../microphone.js").CaptureSettings} capture
 * @property {string} [previewUrl] of the session's preview socket
 * @property {number} [previewVoices] how many voices participants may hear themselves in
 */

/**
 * The device check: microphone level, test sound, headphones, and where there is a server for it the delay and "hear
 * yourself". What was found goes into the form's field `device`.
 */
export class DeviceCheck {
  #root;
  #capture;
  #meter;
  #choice;
  #microphone = /** @type {Microphone | null} */ (null);
  #sound = /** @type {SoundCheck | null} */ (null);
  #level = /** @type {ReturnType<LevelCheck["result"]> | null} */ (null);
  #leak = /** @type {{leak_db: number, leaking: boolean} | null} */ (null);
  #heard = /** @type {boolean | null} */ (null);
  #preview = /** @type {PreviewSocket | null} */ (null);
  #delay = /** @type {DelayCheck | null} */ (null);
  #self = /** @type {SelfCheck | null} */ (null);

  /** @param {HTMLFormElement} root @param {CheckConfig} config */
  constructor(root, { capture, previewUrl, previewVoices = 0 }) {
    this.#root = root;
    this.#capture = capture;
    this.#meter = new Meter(this.#part("meter"));
    const select = /** @type {HTMLSelectElement} */ (this.#part("microphone"));
    this.#choice = new MicrophoneChoice(select, this.#part("microphone-field"));
    this.#choice.onChoose = () => this.#checkMicrophone();
    this.#on("listen", () => this.#checkMicrophone());
    this.#on("play", () => this.#checkSound());
    this.#on("heard-yes", () => this.#answer(true));
    this.#on("heard-no", () => this.#answer(false));
    root.addEventListener("change", () => this.#update());
    root.addEventListener("submit", () => this.#close());
    const problem = MicrophoneProblem.ofBrowser();
    if (problem !== null) this.#say("microphone-result", "error", `${problem.title}. ${problem.message}`);
    this.#enable("listen", problem === null);
    if (previewUrl !== undefined) this.#connect(previewUrl, previewVoices);
    this.#update();
  }

  /** @param {string} url @param {number} voices */
  #connect(url, voices) {
    this.#preview = new PreviewSocket(url);
    this.#delay = new DelayCheck(this.#preview, this.#part("delay-result"));
    this.#delay.onResult = () => {
      this.#enable("measure", true);
      this.#update();
    };
    this.#on("measure", () => this.#measureDelay());
    this.#measureDelay();
    if (voices === 0) return;
    const options = { capture: this.#capture, voices, deviceId: () => this.#choice.deviceId };
    this.#self = new SelfCheck(this.#root, options, this.#preview);
    this.#self.onHeard = () => this.#update();
  }

  #measureDelay() {
    this.#enable("measure", false);
    this.#delay?.measure();
  }

  // microphone

  async #checkMicrophone() {
    this.#enable("listen", false);
    this.#level = null;
    this.#say("microphone-result");
    this.#sound ??= new SoundCheck(); // within the click
    try {
      this.#microphone?.close();
      const microphone = (this.#microphone = await Microphone.open(this.#capture, this.#choice.deviceId));
      microphone.onEnded = () => this.#unplugged();
      await this.#choice.refresh(microphone.deviceId);
      this.#sound.listen(microphone.stream);
      await this.#measure(this.#sound, microphone);
    } catch (error) {
      if (!(error instanceof MicrophoneProblem)) throw error;
      this.#say("microphone-result", "error", `${error.title}. ${error.message}`);
    }
    this.#part("listen").textContent = "Check again";
    this.#enable("listen", true);
    this.#update();
  }

  /** @param {SoundCheck} sound @param {Microphone} microphone */
  async #measure(sound, microphone) {
    const check = new LevelCheck();
    this.#part("speak").hidden = false;
    const end = performance.now() + SPEAK_MS;
    while (performance.now() < end && this.#microphone === microphone) {
      await new Promise((resolve) => setTimeout(resolve, WINDOW_MS));
      this.#meter.show(check.push(sound.samples()));
    }
    this.#part("speak").hidden = true;
    if (this.#microphone !== microphone) return;
    this.#meter.clear();
    this.#level = check.result();
    const { tone, text } = VERDICTS[this.#level.verdict];
    const narrow = microphone.isNarrow
      ? " This headset records in telephone quality while its microphone is on: if you can, use a wired headset or another microphone."
      : "";
    this.#say("microphone-result", narrow ? "warning" : tone, text + narrow);
  }

  #unplugged() {
    this.#microphone?.close();
    this.#microphone = null;
    this.#level = null;
    this.#say("microphone-result", "error", "The microphone was unplugged. Plug it in and check again.");
    this.#update();
  }

  // sound

  async #checkSound() {
    this.#enable("play", false);
    this.#heard = null;
    this.#say("sound-result");
    this.#sound ??= new SoundCheck();
    this.#leak = await this.#sound.playTone();
    this.#part("play").textContent = "Play it again";
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
        "Turn the volume up, see whether the sound goes to the right device, and play it again.",
      );
    else if (this.#leak?.leaking)
      this.#say(
        "sound-result",
        "warning",
        "Your microphone hears your loudspeakers, so the machine would hear itself. Please use headphones.",
      );
    else this.#say("sound-result", "success", "Good: you hear it, and your microphone does not.");
    this.#update();
  }

  // form

  #update() {
    for (const [part, answer] of /** @type {const} */ ([
      ["heard-yes", true],
      ["heard-no", false],
    ]))
      this.#part(part).setAttribute("aria-pressed", String(this.#heard === answer));
    const headphones = new FormData(this.#root).get("headphones");
    const missing = [
      this.#level === null || this.#level.verdict === "silent" ? "the microphone" : null,
      this.#heard ? null : "the sound",
      headphones === null ? "the headphones" : null,
    ].filter((step) => step !== null);
    this.#enable("continue", missing.length === 0);
    this.#part("missing").textContent = missing.length === 0 ? "" : `Still to do: ${missing.join(", ")}.`;
    const device = {
      microphone: this.#level,
      sound: { heard: this.#heard, ...this.#leak },
      headphones: headphones === "yes",
      settings: this.#microphone?.settings() ?? null,
      check_context_hz: this.#sound?.contextHz ?? null,
      delay: this.#delay === null ? null : { ...this.#delay.result, heard_self: this.#self?.heard ?? null },
    };
    /** @type {HTMLInputElement} */ (this.#part("device")).value = JSON.stringify(device);
  }

  #close() {
    this.#microphone?.close();
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

  /** @param {string} name @param {boolean} enabled */
  #enable(name, enabled) {
    /** @type {HTMLButtonElement} */ (this.#part(name)).disabled = !enabled;
  }

  /** @param {string} name @param {string} [tone] @param {string} [text] */
  #say(name, tone = "", text = "") {
    const notice = this.#part(name);
    notice.className = tone ? `notice notice--${tone}` : "";
    notice.textContent = text;
  }
}
