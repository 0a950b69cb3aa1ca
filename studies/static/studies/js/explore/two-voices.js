const BARS = 96;
const BAR_MS = 90; // or more, so that the picture shows the last ten seconds
const QUIET_DB = -55; // levels below this are drawn as rest
const GAP = 0.4; // of a bar's width
const LEAST = 0.02; // height of a bar at rest

/** @typedef {"participant" | "agent"} Voice */

/**
 * The picture of a conversation: one voice above the line, the other below it, the newest sound at the end. It moves
 * only while there is sound.
 */
export class TwoVoices {
  #canvas;
  #bars = {
    participant: /** @type {number[]} */ (new Array(BARS).fill(0)),
    agent: /** @type {number[]} */ (new Array(BARS).fill(0)),
  };
  #newest = { participant: 0, agent: 0 };
  #due = false;
  #advancedMs = -Infinity;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
    new ResizeObserver(() => this.#draw()).observe(canvas);
  }

  /** @param {Voice} voice @param {import("../audio/level-gauge.js").Level} level */
  show(voice, { rmsDb }) {
    const height = Math.max(0, Math.min(1, 1 - rmsDb / QUIET_DB));
    this.#newest[voice] = Math.max(this.#newest[voice], height);
    if (this.#newest.participant + this.#newest.agent === 0 && this.#atRest) return;
    if (this.#due || performance.now() - this.#advancedMs < BAR_MS) return;
    this.#due = true;
    requestAnimationFrame(() => this.#advance());
  }

  clear() {
    for (const bars of Object.values(this.#bars)) bars.fill(0);
    this.#draw();
  }

  get #atRest() {
    return Object.values(this.#bars).every((bars) => bars.every((height) => height === 0));
  }

  #advance() {
    this.#due = false;
    this.#advancedMs = performance.now();
    for (const voice of /** @type {Voice[]} */ (["participant", "agent"])) {
      this.#bars[voice].push(this.#newest[voice]);
      this.#bars[voice].shift();
      this.#newest[voice] = 0;
    }
    this.#draw();
  }

  #draw() {
    const { clientWidth, clientHeight } = this.#canvas;
    const context = this.#canvas.getContext("2d");
    if (context === null || clientWidth === 0) return;
    const scale = window.devicePixelRatio;
    this.#canvas.width = clientWidth * scale;
    this.#canvas.height = clientHeight * scale;
    context.scale(scale, scale);
    const style = getComputedStyle(this.#canvas);
    const step = clientWidth / BARS;
    const middle = clientHeight / 2;
    const mirrored = style.direction === "rtl";
    for (const [voice, up] of /** @type {[Voice, boolean][]} */ ([["participant", true], ["agent", false]])) {
      context.fillStyle = style.getPropertyValue(`--color-${voice}`);
      for (const [n, height] of this.#bars[voice].entries()) {
        const length = Math.max(LEAST, height) * (middle - 2);
        const place = (mirrored ? BARS - 1 - n : n) * step;
        context.beginPath();
        context.roundRect(place, up ? middle - 1 - length : middle + 1, step * (1 - GAP), length, step / 4);
        context.fill();
      }
    }
  }
}
