import { SAMPLE_RATE_HZ } from "../contract/audio.js";

const HEADER_BYTES = 44;
const BYTES_PER_SAMPLE = 2;

/**
 * Returns a WAV file: PCM16, mono, 24 kHz.
 * @param {Int16Array[]} parts
 * @returns {Blob}
 */
export function wavOf(parts) {
  const dataBytes = parts.reduce((sum, part) => sum + part.length, 0) * BYTES_PER_SAMPLE;
  const file = new DataView(new ArrayBuffer(HEADER_BYTES + dataBytes));
  const text = (/** @type {number} */ at, /** @type {string} */ mark) => {
    for (let n = 0; n < mark.length; n++) file.setUint8(at + n, mark.charCodeAt(n));
  };
  text(0, "RIFF");
  file.setUint32(4, HEADER_BYTES - 8 + dataBytes, true);
  text(8, "WAVEfmt ");
  file.setUint32(16, 16, true);
  file.setUint16(20, 1, true); // PCM
  file.setUint16(22, 1, true); // channels
  file.setUint32(24, SAMPLE_RATE_HZ, true);
  file.setUint32(28, SAMPLE_RATE_HZ * BYTES_PER_SAMPLE, true);
  file.setUint16(32, BYTES_PER_SAMPLE, true);
  file.setUint16(34, 8 * BYTES_PER_SAMPLE, true);
  text(36, "data");
  file.setUint32(40, dataBytes, true);
  let at = HEADER_BYTES;
  for (const part of parts)
    for (const sample of part) {
      file.setInt16(at, sample, true);
      at += BYTES_PER_SAMPLE;
    }
  return new Blob([file.buffer], { type: "audio/wav" });
}
