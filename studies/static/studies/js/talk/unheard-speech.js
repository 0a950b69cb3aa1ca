import { decibels } from "../audio/level-gauge.js";
import { UPLINK_MS } from "../contract/audio.js";
import { decode } from "../contract/wire.js";

const HEARD_MS = 200; // Frames no older than this still reach the engine (twin: studies/talk/journal/arrival.py).
const LEAST_SPEECH_MS = 300; // anything shorter is a cough or a chair
const ABOVE_BACKGROUND_DB = 12;
const QUIETEST_DB = -50;
const FULL_SCALE = 32_768;

/**
 * Returns whether somebody spoke in frames that the engine does not hear, because they were sent too late. Speech is
 * what stands out from the quietest tenth of the frames.
 * @param {Uint8Array<ArrayBuffer>[]} frames encoded microphone frames, in order
 */
export function holdsSpeech(frames) {
  const late = frames.slice(0, Math.max(0, frames.length - HEARD_MS / UPLINK_MS));
  const levels = late.map(levelDb);
  const background = [...levels].sort((one, other) => one - other)[Math.floor(levels.length / 10)] ?? 0;
  const threshold = Math.max(QUIETEST_DB, background + ABOVE_BACKGROUND_DB);
  return levels.filter((level) => level > threshold).length * UPLINK_MS >= LEAST_SPEECH_MS;
}

/** @param {Uint8Array<ArrayBuffer>} frame */
function levelDb(frame) {
  const message = decode(frame.buffer.slice(frame.byteOffset, frame.byteOffset + frame.byteLength));
  if (message.kind !== "participant") return -Infinity;
  const energy = message.pcm.reduce((sum, sample) => sum + (sample / FULL_SCALE) ** 2, 0);
  return decibels(Math.sqrt(energy / message.pcm.length));
}
