import { translate, translatePlural } from "../i18n.js";
import { Meter } from "../audio/meter.js";
import { WordsView } from "./words-view.js";

const SHORT_MS = 10_000; // time left that is worth a warning
const LONG_WARNING_MS = 30_000; // the same, of a talk that lasts at least twice as long
const NARROW = "(max-width: 59.99rem)"; // as in talk.css

/** @typedef {import("./states.js").State} State */

/** The talk page's elements: shows what it is told. Parts are found by `data-part`, panels by `data-for`. */
export class TalkView {
  participantMeter;
  agentMeter;
  words;
  onMonitor = (/** @type {number} */ _level) => {}; // from 0 to 1
  #root;
  #limitMs = 0;
  #monitor; // only where the study lets participants hear themselves

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    this.participantMeter = new Meter(this.part("participant-meter"));
    this.agentMeter = new Meter(this.part("agent-meter"));
    this.words = new WordsView(this.part("words"));
    this.#monitor = /** @type {HTMLInputElement | null} */ (root.querySelector('[data-part="monitor"]'));
    this.#monitor?.addEventListener("input", () => this.#showMonitor());
    this.#monitor?.addEventListener("change", () => this.onMonitor(this.#showMonitor()));
  }

  /** @param {string} name */
  part(name) {
    const element = this.#root.querySelector(`[data-part="${name}"]`);
    if (!(element instanceof HTMLElement)) throw new Error(`the page lacks its part ${name}`);
    return element;
  }

  /** @param {State} state @param {import("./states.js").Screen} screen */
  show(state, screen) {
    const changed = this.#root.dataset.state !== state;
    this.#root.dataset.state = state;
    for (const panel of this.#root.querySelectorAll("[data-for]"))
      if (panel instanceof HTMLElement) panel.hidden = !panel.dataset.for?.split(" ").includes(state);
    this.status = screen.status;
    this.part("title").textContent = screen.title ?? "";
    this.part("text").textContent = screen.text ?? "";
    this.#offer("start", screen.start);
    this.#offer("next", screen.next);
    this.#offer("cancel", screen.cancel);
    if (changed && state === "live") this.#enter();
    if (changed && ["ended", "failed", "restarting"].includes(state)) {
      /** @type {HTMLDetailsElement} */ (this.part("card")).open = true;
      this.part("title").focus();
    }
  }

  /** @param {string} text */
  set status(text) {
    const status = this.part("status");
    if (status.textContent !== text) status.textContent = text;
  }

  /** @param {number} secondsLeft until a talk begins by itself */
  set countdown(secondsLeft) {
    this.part("countdown").textContent = translatePlural("%(n)s second", "%(n)s seconds", secondsLeft);
  }

  /** @param {number} limitMs */
  set limitMs(limitMs) {
    this.#limitMs = limitMs;
    this.part("limit").textContent = clock(limitMs);
    this.part("minutes").textContent = spoken(limitMs);
  }

  /** @param {number} elapsedMs */
  set elapsedMs(elapsedMs) {
    const shownMs = Math.min(elapsedMs, this.#limitMs);
    this.part("elapsed").textContent = clock(shownMs);
    this.part("time").style.setProperty("--elapsed", String(this.#limitMs === 0 ? 0 : shownMs / this.#limitMs));
    const leftMs = this.#limitMs - elapsedMs;
    this.part("time").classList.toggle("talk__time--short", leftMs < SHORT_MS);
    this.#warnOfEnd(leftMs);
  }

  /** Said once for each, also to those who do not see the clock. @param {number} leftMs */
  #warnOfEnd(leftMs) {
    const warnings = this.#limitMs >= 2 * LONG_WARNING_MS ? [LONG_WARNING_MS, SHORT_MS] : [SHORT_MS];
    const due = warnings.filter((ms) => leftMs <= ms).at(-1);
    const text = due === undefined ? "" : translate("%(time)s left, then the talk ends by itself.", { time: spoken(due) });
    const left = this.part("left");
    if (left.textContent !== text) left.textContent = text;
  }

  /** The talk begins: its controls come into view and under the keyboard; on a small screen the card folds up, unless it
   * has words to say or asks for a way to say them. */
  #enter() {
    const stage = this.part("stage");
    const card = /** @type {HTMLDetailsElement} */ (this.part("card"));
    const narrow = matchMedia(NARROW).matches;
    if (narrow) card.open = "said" in card.dataset;
    if (document.activeElement === document.body) stage.focus({ preventScroll: true });
    if (narrow && card.open) this.#root.scrollIntoView({ block: "start" });
    else stage.scrollIntoView({ block: "nearest" });
  }

  /** @param {boolean} muted */
  set muted(muted) {
    const button = this.part("mute");
    button.setAttribute("aria-pressed", String(muted));
    this.part("mute-label").textContent = muted ? translate("Unmute") : translate("Mute");
    this.#root.classList.toggle("talk--muted", muted);
    if (muted) this.participantMeter.clear();
  }

  /** Every talk begins without it: nobody is to be startled. */
  silenceMonitor() {
    if (this.#monitor === null) return;
    this.#monitor.value = "0";
    this.#showMonitor();
  }

  /** @returns {number} the level from 0 to 1 */
  #showMonitor() {
    const percent = Number(this.#monitor?.value ?? 0);
    this.part("monitor-value").textContent = percent === 0 ? translate("off") : `${percent} %`;
    return percent / 100;
  }

  /**
   * A line that stays until it is taken away.
   * @param {string} about one line for each
   * @param {string} [text] none takes it away
   */
  warn(about, text) {
    const notices = this.part("notices");
    notices.querySelector(`[data-about="${about}"]`)?.remove();
    if (text === undefined) return;
    const notice = document.createElement("p");
    notice.className = "notice notice--warning";
    notice.dataset.about = about;
    notice.textContent = text;
    notices.append(notice);
  }

  clearWarnings() {
    this.part("notices").replaceChildren();
  }

  /** @param {"start" | "next" | "cancel"} name @param {string | undefined} label */
  #offer(name, label) {
    const element = this.part(name);
    element.hidden = label === undefined;
    if (label !== undefined) element.textContent = label;
  }
}

/** @param {number} ms @returns {string} minutes:seconds */
export function clock(ms) {
  const seconds = Math.floor(ms / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** @param {number} ms @returns {string} such as "2 minutes" or "1 minute 30 seconds" */
export function spoken(ms) {
  const seconds = Math.round(ms / 1_000);
  const wholeMinutes = Math.floor(seconds / 60);
  const parts = [
    wholeMinutes > 0 && translatePlural("%(n)s minute", "%(n)s minutes", wholeMinutes),
    seconds % 60 > 0 && translatePlural("%(n)s second", "%(n)s seconds", seconds % 60),
  ];
  return parts.filter(Boolean).join(" ");
}
