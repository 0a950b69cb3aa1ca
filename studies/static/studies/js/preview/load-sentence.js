import { SAMPLE_RATE_HZ, toPcm16 } from "../contract/audio.js";

/**
 * Loads a recording in which voices can be tried out, such as the site's sample sentence.
 * @param {string} url
 * @returns {Promise<Int16Array<ArrayBuffer>>} at 24 kHz
 * @throws {TypeError | DOMException} if it cannot be loaded or decoded
 */
export async function loadSentence(url) {
  const response = await fetch(url);
  if (!response.ok) throw new TypeError(`${url} answered ${response.status}`);
  const context = new OfflineAudioContext(1, 1, SAMPLE_RATE_HZ);
  const audio = await context.decodeAudioData(await response.arrayBuffer());
  return Int16Array.from(audio.getChannelData(0), toPcm16);
}
