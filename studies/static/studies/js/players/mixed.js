import { SAMPLE_RATE_HZ } from "../audio.js";
import { wavOf } from "../voice/wav.js";

const FULL_SCALE = 32_767;

/** Several recordings on one clock as one. @param {Blob[]} blobs @returns {Promise<Blob>} @throws {DOMException} */
export async function mixed(blobs) {
  const context = new OfflineAudioContext(1, 1, SAMPLE_RATE_HZ);
  const buffers = await Promise.all(blobs.map(async (blob) => context.decodeAudioData(await blob.arrayBuffer())));
  const sum = new Float32Array(Math.max(...buffers.map((buffer) => buffer.length)));
  for (const buffer of buffers) for (const [n, sample] of buffer.getChannelData(0).entries()) sum[n] += sample;
  return wavOf([Int16Array.from(sum, (sample) => Math.max(-1, Math.min(1, sample)) * FULL_SCALE)]);
}
