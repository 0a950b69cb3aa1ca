import { SAMPLE_RATE_HZ, toPcm16 } from "../audio.js";

/**
 * A recording of ours as a sentence to try voices on.
 * @param {string} url
 * @returns {Promise<Int16Array<ArrayBuffer>>} at 24 kHz
 * @throws {TypeError | DOMException} when it cannot be had
 */
export async function loadSample(url) {
  const response = await fetch(url);
  if (!response.ok) throw new TypeError(`${url} answered ${response.status}`);
  const context = new OfflineAudioContext(1, 1, SAMPLE_RATE_HZ);
  const audio = await context.decodeAudioData(await response.arrayBuffer());
  return Int16Array.from(audio.getChannelData(0), toPcm16);
}
