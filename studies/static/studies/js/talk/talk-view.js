import { translate, translatePlural } from "../i18n.js";
import { Meter } from "../audio/meter.js";
import { NoticedView } from "./noticed-view.js";
import { AWAY, MUTED, SLOW, TURNS } from "./states.js";
import { WordsView } from "./words-view.js";

const SHORT_MS = 10_000; // time left at which a warning is shown
const LONG_WARNING_MS = 30_000; // time left at an earlier warning, for talks that last at least twice as long
const NARROW = "(max-width: 59.99rem)"; // as in talk.css

/** @typedef {import("./states.js").State} State */

/** The elements of the talk page. Parts are found by `data-part`, panels by `data-for`. */
export class TalkView {
  participantMeter;
  agentMeter;
  words;
  onMuteKey = () => {};
  onMonitor = (/** @type {number} */ _level) => {}; // from 0 to 1
  #root;
  #limitMs = 0;
  #status = "";
  #muted = false;
  #noticed;
  #monitor; // only where the study lets participants hear themselves

  /** @param {HTMLElement} root */
  constructor(root) {
    this.#root = root;
    this.participantMeter = new Meter(this.part("participant-meter"));
    this.agentMeter = new Meter(this.part("agent-meter"));
    this.words = new WordsView(this.part("words"));
    this.#noticed = new NoticedView(root);
    this.#monitor = /** @type {HTMLInputElement | null} */ (root.querySelector('[data-part="monitor"]'));
    this.#monitor?.addEventListener("input", () => this.#showMonitor());
    this.#monitor?.addEventListener("change", () => this.onMonitor(this.#showMonitor()));
    // The key works only while the talk has the focus, because dictation software may send single letters.
    this.part("stage").addEventListener("keydown", (event) => {
      const typing = event.target instanceof HTMLElement && event.target.matches("input, select, textarea");
      if (event.key.toLowerCase() !== "m" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      this.onMuteKey();
    });
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
    if (changed && state === "connecting") this.#noticed.clear();
    if (changed && state === "live") this.#enter();
    if (changed && ["ended", "failed", "restarting"].includes(state)) {
      /** @type {HTMLDetailsElement} */ (this.part("card")).open = true;
      this.part("title").focus();
    }
  }

  /** Called when a take has been opened, for views that show what becomes of it. @param {string} _take */
  opened(_take) {}

  /** @param {string} text */
  set status(text) {
    this.#status = text;
    this.#showStatus();
  }

  /** While the participant is muted, nothing else matters more. */
  #showStatus() {
    const text = this.#muted && this.#root.dataset.state === "live" ? MUTED : this.#status;
    const status = this.part("status");
    if (status.textContent !== text) status.textContent = text;
  }

  /** @param {string} event @param {any} data as checked by the wire */
  happened(event, data) {
    const isLive = this.#root.dataset.state === "live";
    switch (event) {
      case "words":
        this.words.add(data);
        break;
      case "transcript":
        if (data.role === "agent") this.words.complete(data.turn, data.text);
        break;
      case "noticed":
        this.#noticed.show(data.sounded);
        break;
      case "away":
        if (isLive) this.status = data.away ? AWAY : TURNS.listening;
        break;
      case "turn":
        if (isLive && data.state in TURNS)
          this.status = data.slow ? SLOW : TURNS[/** @type {keyof typeof TURNS} */ (data.state)];
        if (data.state === "interrupted" || data.state === "discarded") this.words.breakOff(data.turn);
        break;
    }
  }

  /** @param {number} secondsLeft until a talk starts automatically */
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

  /** Shows each warning once, also to screen readers. @param {number} leftMs */
  #warnOfEnd(leftMs) {
    const warnings = this.#limitMs >= 2 * LONG_WARNING_MS ? [LONG_WARNING_MS, SHORT_MS] : [SHORT_MS];
    const due = warnings.filter((ms) => leftMs <= ms).at(-1);
    const text = due === undefined ? "" : translate("%(time)s left; then the conversation ends automatically.", { time: spoken(due) });
    const left = this.part("left");
    if (left.textContent !== text) left.textContent = text;
  }

  /** Scrolls to the controls and focuses them when the talk begins. On a small screen the card is closed, unless it has
   * words to say or asks for a way to say them. */
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
    this.#muted = muted;
    this.#showStatus();
    const button = this.part("mute");
    button.setAttribute("aria-pressed", String(muted));
    this.part("mute-label").textContent = muted ? translate("Unmute") : translate("Mute");
    this.#root.classList.toggle("talk--muted", muted);
    if (muted) this.participantMeter.clear();
  }

  /** Turns the monitor off. Every talk begins so, because hearing oneself suddenly is startling. */
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
   * Shows a warning until it is removed.
   * @param {string} about the subject; there is one warning for each
   * @param {string} [text] without it, the warning is removed
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

  /** @param {boolean} narrow whether the microphone records in telephone quality */
  warnOfNarrow(narrow) {
    const text = translate(
      "This headset records in telephone quality while its microphone is on. If you can, use a wired headset or another microphone.",
    );
    this.warn("narrow", narrow ? text : undefined);
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
