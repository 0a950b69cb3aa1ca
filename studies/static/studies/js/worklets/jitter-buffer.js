import { FRAME_SAMPLES, fromPcm16, SAMPLE_RATE_HZ, SAMPLES_PER_MS } from "../contract/audio.js";

const CAPACITY = 8 * SAMPLE_RATE_HZ;
const PREFILL = 60 * SAMPLES_PER_MS;
const MIN_SAFETY = 20 * SAMPLES_PER_MS;
const MAX_SAFETY = 200 * SAMPLES_PER_MS;
const SAFETY_PER_UNDERRUN = 20 * SAMPLES_PER_MS;
const SAFETY_DECAY = 0.001; // 1 ms per second
const STEER_ABOVE = 30 * SAMPLES_PER_MS;
const STEER_UNTIL = 5 * SAMPLES_PER_MS;
const STEERED_SPEED = 1.005;
const JUMP_ABOVE = 400 * SAMPLES_PER_MS;
const WINDOW = SAMPLE_RATE_HZ / 2;
const WINDOWS = 4;
const FADE = 64; // 2.7 ms
const DYING = 0.95; // per sample: −60 dB after 5.6 ms

/**
 * @typedef {"start" | "steer" | "steady" | "jump" | "underrun"} Change
 * @typedef {{change: Change, depth_samples: number, safety_samples: number, underruns: number}} BufferEvent
 */

/**
 * Absorbs the network's jitter with as little delay as possible. It controls the margin, which is the lowest fill of
 * the last 2 s, and thus the delay that could be removed without a gap. The target for it is the safety, at first
 * 20 ms. Playback starts when 60 ms have been buffered and the safety has then passed. If the margin exceeds the safety
 * by more than 30 ms, playback is 0.5 % faster until most of the surplus is gone. If the fill is 400 ms too high, the
 * surplus is skipped. Each underrun adds 20 ms to the safety, which decays slowly. At 24 kHz, samples are copied
 * exactly except while the speed is raised.
 */
export class JitterBuffer {
  underruns = 0;
  #onChange;
  #ring = new Float32Array(CAPACITY);
  #written = 0;
  #read = 0; // fractional while steering
  #faded = 0; // samples of the fade that are done, up to FADE
  #fadeFrom = NaN; // position at which playback would have continued without a jump; NaN: fade from silence
  #last = 0; // the sample that was played last
  #waited = 0; // samples since there was enough to start
  #sounding = false;
  #fast = false;
  #safety = MIN_SAFETY;
  #lowest = Infinity;
  #lows = /** @type {number[]} */ ([]);
  #windowed = 0;
  #marks = /** @type {{step: number, position: number}[]} */ ([]); // steps that have not begun to sound

  /** @param {(event: BufferEvent) => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  get depth() {
    return Math.max(0, Math.floor(this.#written - this.#read));
  }

  /** @param {number} step @param {Int16Array} pcm */
  push(step, pcm) {
    this.#marks.push({ step, position: this.#written });
    for (const sample of pcm) this.#ring[this.#written++ % CAPACITY] = fromPcm16(sample);
  }

  /**
   * Fills `output` at 24 kHz.
   * @param {Float32Array} output
   * @returns {{step: number, offset: number} | null} the last step that began within `output`, and at which sample; the
   *   offset is negative if a jump skipped the beginning of the step
   */
  pull(output) {
    const goal = Math.round(this.#safety) + FRAME_SAMPLES;
    if (this.depth > goal + JUMP_ABOVE) this.#jump(goal);
    if (!this.#sounding && !this.#mayStart(output.length)) {
      this.#fallSilent(output, 0);
      return null;
    }
    this.#lowest = Math.min(this.#lowest, this.depth);
    const speed = this.#fast ? STEERED_SPEED : 1;
    const start = this.#read;
    for (let n = 0; n < output.length; n++, this.#read += speed) {
      if (this.#written - this.#read < (this.#fast ? 3 : 1)) {
        this.#runDry();
        this.#fallSilent(output, n);
        break;
      }
      output[n] = this.#last = this.#next(speed);
    }
    const began = this.#begun(start, speed);
    this.#steer(output.length);
    return began;
  }

  /**
   * Whether playback may start. Because a step is longer than the prefill, waiting for the safety as well makes it the
   * initial margin.
   * @param {number} samples to be filled
   */
  #mayStart(samples) {
    if (this.depth < PREFILL) return false;
    if (this.#waited >= this.#safety) {
      this.#start();
      return true;
    }
    this.#waited += samples;
    return false;
  }

  #start() {
    this.#waited = 0;
    this.#sounding = true;
    this.#fade(NaN);
    this.#forgetMargin();
    this.#report("start");
  }

  /** @param {number} goal */
  #jump(goal) {
    this.#fade(this.#sounding ? this.#read : NaN);
    this.#read = this.#written - goal;
    this.#fast = false;
    this.#forgetMargin();
    this.#report("jump");
  }

  #runDry() {
    this.underruns++;
    this.#read = this.#written;
    this.#sounding = this.#fast = false;
    this.#safety = Math.min(MAX_SAFETY, this.#safety + SAFETY_PER_UNDERRUN);
    this.#report("underrun");
  }

  /** Fades out from the last sample, to avoid a click. @param {Float32Array} output @param {number} from */
  #fallSilent(output, from) {
    for (let n = from; n < output.length; n++) output[n] = this.#last *= DYING;
  }

  /** @param {number} speed */
  #next(speed) {
    const sample = this.#at(this.#read);
    if (this.#faded === FADE) return sample;
    const share = ++this.#faded / FADE;
    if (Number.isNaN(this.#fadeFrom)) return share * sample;
    const old = this.#at(this.#fadeFrom);
    this.#fadeFrom += speed;
    return share * sample + (1 - share) * old;
  }

  /** @param {number} position */
  #at(position) {
    const index = Math.floor(position);
    const t = position - index;
    const b = this.#ring[index % CAPACITY];
    if (t === 0) return b;
    // Cubic (Catmull-Rom) interpolation; linear interpolation would dull the sound and make it flutter.
    const a = this.#ring[(index + CAPACITY - 1) % CAPACITY];
    const c = this.#ring[(index + 1) % CAPACITY];
    const d = this.#ring[(index + 2) % CAPACITY];
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
  }

  /** @param {number} start read position at the output's first sample @param {number} speed */
  #begun(start, speed) {
    const later = this.#marks.findIndex((mark) => mark.position >= this.#read);
    const last = this.#marks.splice(0, later === -1 ? this.#marks.length : later).at(-1);
    if (last === undefined) return null;
    return { step: last.step, offset: Math.round((last.position - start) / speed) };
  }

  /** @param {number} played number of samples since the last call */
  #steer(played) {
    this.#windowed += played;
    if (this.#windowed < WINDOW) return;
    this.#safety = Math.max(MIN_SAFETY, this.#safety - SAFETY_DECAY * this.#windowed);
    this.#windowed = 0;
    this.#lows.push(this.#lowest);
    this.#lowest = Infinity;
    if (this.#lows.length > WINDOWS) this.#lows.shift();
    if (this.#lows.length < WINDOWS || !this.#sounding) return;
    const surplus = Math.min(...this.#lows) - this.#safety;
    const fast = surplus > (this.#fast ? STEER_UNTIL : STEER_ABOVE);
    if (fast === this.#fast) return;
    this.#fast = fast;
    if (!fast) this.#read = Math.round(this.#read);
    this.#report(fast ? "steer" : "steady");
  }

  /** @param {number} from */
  #fade(from) {
    this.#faded = 0;
    this.#fadeFrom = from;
  }

  #forgetMargin() {
    this.#lowest = Infinity;
    this.#lows = [];
    this.#windowed = 0;
  }

  /** @param {Change} change */
  #report(change) {
    const safety_samples = Math.round(this.#safety);
    this.#onChange({ change, depth_samples: this.depth, safety_samples, underruns: this.underruns });
  }
}
