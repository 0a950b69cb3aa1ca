import { SAMPLE_RATE_HZ } from "../contract/audio.js";

const ZERO_CROSSINGS = 64; // on each side, at the lower of the two rates: 2.7 ms of look-ahead at 24 kHz
const KAISER_BETA = 9; // stop-band attenuation of about 90 dB, below the quantisation noise of 16 bits
const TRANSITION = 0.09; // transition band for this length and window, as a share of the band; it ends at Nyquist

/**
 * Streaming band-limited resampler from any integer rate to 24 kHz: a Kaiser-windowed sinc in polyphase form. Phases
 * are counted in integers, so that no sample is gained or lost over hours of audio. Output sample n corresponds exactly
 * to input time n / 24 000 s: the filter needs look-ahead, but does not shift the signal.
 */
export class Resampler {
  #phases; // output positions within one input sample
  #advance; // input position gained by one output sample, in phases
  #half; // filter reach on each side, in input samples
  #filters; // one per phase: Float32Array [2 * half]
  #input; // input samples that are still needed
  #length; // number of samples in #input
  #position; // input position of the next output sample, in phases from #input[0]

  /** @param {number} rateHz of the input; an integer */
  constructor(rateHz) {
    if (!Number.isInteger(rateHz) || rateHz < 8_000) throw new RangeError(`cannot resample from ${rateHz} Hz`);
    const divisor = gcd(rateHz, SAMPLE_RATE_HZ);
    this.#phases = SAMPLE_RATE_HZ / divisor;
    this.#advance = rateHz / divisor;
    const band = Math.min(1, SAMPLE_RATE_HZ / rateHz); // share of the input's band that is kept
    this.#half = Math.ceil(ZERO_CROSSINGS / band);
    this.#filters = Array.from({ length: this.#phases }, (_, phase) =>
      kaiserSinc(this.#half, phase / this.#phases, band * (1 - TRANSITION / 2)),
    );
    this.#input = new Float32Array(4 * this.#half);
    this.#length = this.#half; // silence before the first sample
    this.#position = this.#half * this.#phases;
  }

  /**
   * @param {Float32Array} samples at the input rate
   * @returns {Float32Array} samples at 24 kHz, up to the point for which there is enough look-ahead
   */
  push(samples) {
    this.#append(samples);
    const reach = (this.#length - this.#half) * this.#phases;
    const output = new Float32Array(Math.max(0, Math.ceil((reach - this.#position) / this.#advance)));
    for (let n = 0; n < output.length; n++, this.#position += this.#advance) {
      const filter = this.#filters[this.#position % this.#phases];
      const first = Math.floor(this.#position / this.#phases) - this.#half + 1;
      let sum = 0;
      for (let tap = 0; tap < filter.length; tap++) sum += filter[tap] * this.#input[first + tap];
      output[n] = sum;
    }
    this.#forget();
    return output;
  }

  /** @param {Float32Array} samples */
  #append(samples) {
    const needed = this.#length + samples.length;
    if (needed > this.#input.length) {
      const grown = new Float32Array(2 * needed);
      grown.set(this.#input.subarray(0, this.#length));
      this.#input = grown;
    }
    this.#input.set(samples, this.#length);
    this.#length = needed;
  }

  #forget() {
    const past = Math.floor(this.#position / this.#phases) - this.#half + 1;
    if (past <= 0) return;
    const used = Math.min(past, this.#length);
    this.#input.copyWithin(0, used, this.#length);
    this.#length -= used;
    this.#position -= used * this.#phases;
  }
}

/**
 * Returns a low-pass filter for an output sample at `offset` (0 ≤ offset < 1) input samples after tap `half - 1`.
 * @param {number} half
 * @param {number} offset
 * @param {number} cutoff as a share of the input's Nyquist frequency
 * @returns {Float32Array} [2 * half], sums to 1
 */
function kaiserSinc(half, offset, cutoff) {
  const taps = Float64Array.from({ length: 2 * half }, (_, tap) => {
    const x = tap - half + 1 - offset;
    const window = bessel(KAISER_BETA * Math.sqrt(Math.max(0, 1 - (x / half) ** 2)));
    return window * (x === 0 ? cutoff : Math.sin(Math.PI * cutoff * x) / (Math.PI * x));
  });
  const gain = taps.reduce((sum, tap) => sum + tap, 0);
  return Float32Array.from(taps, (tap) => tap / gain);
}

/** Modified Bessel function of the first kind, order 0. @param {number} x */
function bessel(x) {
  let sum = 1;
  for (let k = 1, term = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

/** @param {number} a @param {number} b @returns {number} */
function gcd(a, b) {
  return b === 0 ? a : gcd(b, a % b);
}
