// The sounds of the headphone screening, each one second long. Huggins pitch after Milne et al. (2021, Behavior
// Research Methods 53): white noise in which the band of 600 Hz ± 6 % is inverted at the right ear; both ears together
// hear it as a faint tone, either ear alone does not. Antiphase after Woods et al. (2017, Attention, Perception &
// Psychophysics 79): tones of 200 Hz, one of them 6 dB quieter, and one in opposite phase at the two ears, which
// cancels out in the air.

const SOUND_SEC = 1;
const RAMP_SEC = 0.1; // raised cosine at both ends
const NOISE_RMS = 0.05;
const PITCH_HZ = 600;
const PITCH_WIDTH = 0.06; // half-width of the band, as a share of PITCH_HZ
const TONE_HZ = 200;
const TONE_AMPLITUDE = 0.2;
const QUIETER_DB = -6;

/** @typedef {"huggins" | "antiphase"} Method */
/** @typedef {{left: Float32Array<ArrayBuffer>, right: Float32Array<ArrayBuffer>}} Stereo */
/** @typedef {() => number} Random uniform in (0, 1) */

/**
 * @param {Method} method
 * @param {number} sound 0 is the one to find, 1 and 2 are the others
 * @param {number} rateHz
 * @param {Random} random
 * @returns {Stereo}
 */
export function soundOf(method, sound, rateHz, random) {
  const samples = Math.round(SOUND_SEC * rateHz);
  if (method === "huggins") {
    const left = whiteNoise(samples, random);
    return ramped({ left, right: sound === 0 ? bandTurned(left, rateHz) : left.slice() }, rateHz);
  }
  const amplitude = TONE_AMPLITUDE * (sound === 0 ? 10 ** (QUIETER_DB / 20) : 1);
  const step = (2 * Math.PI * TONE_HZ) / rateHz;
  const left = Float32Array.from({ length: samples }, (_, n) => amplitude * Math.sin(step * n));
  return ramped({ left, right: sound === 2 ? left.map((sample) => -sample) : left.slice() }, rateHz);
}

/** mulberry32, which gives the same sequence for a seed everywhere. @param {number} seed 32 bits @returns {Random} */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  };
}

/** Returns Gaussian noise by the Box–Muller transform. @param {number} samples @param {Random} random */
export function whiteNoise(samples, random) {
  const noise = new Float32Array(samples);
  for (let n = 0; n < samples; n++)
    noise[n] = NOISE_RMS * Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
  return noise;
}

/**
 * Returns `noise` with the band around the pitch inverted. The band is computed by a Fourier sum and subtracted twice,
 * so that each frequency keeps its amplitude and one ear alone hears no difference.
 * @param {Float32Array<ArrayBuffer>} noise
 * @param {number} rateHz
 */
export function bandTurned(noise, rateHz) {
  const count = noise.length;
  const turned = Float64Array.from(noise);
  const lowest = Math.ceil((PITCH_HZ * (1 - PITCH_WIDTH) * count) / rateHz);
  const highest = Math.floor((PITCH_HZ * (1 + PITCH_WIDTH) * count) / rateHz);
  for (let bin = lowest; bin <= highest; bin++) {
    const wave = phasor((2 * Math.PI * bin) / count, count);
    let [inPhase, quadrature] = [0, 0];
    for (let n = 0; n < count; n++) {
      inPhase += noise[n] * wave.cosine[n];
      quadrature += noise[n] * wave.sine[n];
    }
    const twice = (2 * 2) / count;
    for (let n = 0; n < count; n++) turned[n] -= twice * (inPhase * wave.cosine[n] + quadrature * wave.sine[n]);
  }
  return Float32Array.from(turned);
}

/**
 * Returns cosine and sine of multiples of `step` by repeated rotation, in a tenth of the time of computing each.
 * @param {number} step radians
 * @param {number} count
 */
function phasor(step, count) {
  const [cosine, sine] = [new Float64Array(count), new Float64Array(count)];
  const [turn, lift] = [Math.cos(step), Math.sin(step)];
  cosine[0] = 1;
  for (let n = 1; n < count; n++) {
    cosine[n] = cosine[n - 1] * turn - sine[n - 1] * lift;
    sine[n] = sine[n - 1] * turn + cosine[n - 1] * lift;
  }
  return { cosine, sine };
}

/** @param {Stereo} stereo @param {number} rateHz @returns {Stereo} */
function ramped(stereo, rateHz) {
  const ramp = Math.round(RAMP_SEC * rateHz);
  const count = stereo.left.length;
  const gain = (/** @type {number} */ n) => 0.5 - 0.5 * Math.cos((Math.PI * Math.min(ramp, n, count - 1 - n)) / ramp);
  const shaped = (/** @type {Float32Array<ArrayBuffer>} */ samples) =>
    Float32Array.from(samples, (sample, n) => sample * gain(n));
  return { left: shaped(stereo.left), right: shaped(stereo.right) };
}
