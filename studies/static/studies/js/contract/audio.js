// The audio format that browser, web and inference worker share (twin of inference/contract/audio.py).

export const SAMPLE_RATE_HZ = 24_000;
export const FRAME_SAMPLES = 1_920; // one engine step
export const UPLINK_SAMPLES = 480; // one microphone frame: a quarter of a step, for low delay
export const UPLINK_MS = (1_000 * UPLINK_SAMPLES) / SAMPLE_RATE_HZ;
export const FRAME_MS = (1_000 * FRAME_SAMPLES) / SAMPLE_RATE_HZ;
export const SAMPLES_PER_MS = SAMPLE_RATE_HZ / 1_000;
const PCM16_SCALE = 32_768;

/**
 * Rounds to the nearest PCM16 value and clips.
 * @param {number} sample in [-1, 1)
 */
export function toPcm16(sample) {
  return Math.max(-PCM16_SCALE, Math.min(PCM16_SCALE - 1, Math.round(sample * PCM16_SCALE)));
}

/** The inverse of toPcm16. @param {number} sample 16-bit */
export function fromPcm16(sample) {
  return sample / PCM16_SCALE;
}
