import { translate } from "../i18n.js";
import { TalkView } from "../talk/talk-view.js";
import { TwoVoices } from "./two-voices.js";

const KEYS = /** @type {Readonly<Record<string, string>>} */ ({ t: "start", e: "end" });

/** The view of the talk on the page of an explore study: with a picture of both voices, and captions of both. */
export class ExploreView extends TalkView {
  onTalk = (/** @type {boolean} */ _talking) => {}; // a talk begins, or has ended
  onTake = (/** @type {string} */ _take) => {}; // a talk that was live has ended; its take
  picture;
  #take = "";
  #wasLive = false;

  /** @param {HTMLElement} root */
  constructor(root) {
    super(root);
    this.picture = new TwoVoices(/** @type {HTMLCanvasElement} */ (this.part("picture")));
    this.#mirror(this.participantMeter, "participant");
    this.#mirror(this.agentMeter, "agent");
    this.part("stage").addEventListener("keydown", (event) => this.#key(event));
  }

  /** @override @param {string} take */
  opened(take) {
    this.#take = take;
    this.#wasLive = false;
  }

  /** @override @param {import("../talk/states.js").State} state @param {import("../talk/states.js").Screen} screen */
  show(state, screen) {
    const over = state === "idle" || (state === "ended" && screen.next !== undefined);
    super.show(state, over ? { ...screen, title: "", text: "", next: undefined, start: this.#start } : screen);
    if (state === "live") this.#wasLive = true;
    if (!["live", "reconnecting", "paused"].includes(state)) this.part("words").hidden = true; // The list has them then.
    if (state === "asking") this.picture.clear();
    if (over) /** @type {HTMLDetailsElement} */ (this.part("card")).open = false;
    this.onTalk(!["idle", "ended", "failed"].includes(state));
    if (!["ended", "failed", "restarting"].includes(state) || !this.#wasLive) return;
    this.#wasLive = false;
    this.onTake(this.#take);
  }

  /** @override @param {string} event @param {any} data as checked by the wire */
  happened(event, data) {
    if (event === "transcript" && data.role === "participant") this.words.understand(data.text);
    super.happened(event, data);
    if (this.part("words").childElementCount > 0) this.part("words").hidden = false;
  }

  get #start() {
    return this.#take === "" ? translate("Talk") : translate("Talk again");
  }

  /** @param {import("../audio/meter.js").Meter} meter @param {import("./two-voices.js").Voice} voice */
  #mirror(meter, voice) {
    const show = meter.show.bind(meter);
    meter.show = (level) => {
      show(level);
      this.picture.show(voice, level);
    };
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const typing = event.target instanceof HTMLElement && event.target.matches("input, select, textarea");
    const name = KEYS[event.key.toLowerCase()];
    if (name === undefined || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const button = this.part(name);
    if (button.offsetParent !== null) button.click();
  }
}
