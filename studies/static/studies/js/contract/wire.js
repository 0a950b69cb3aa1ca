// Every message between browser and web, defined once (twin of inference/contract/wire.py, which documents the bytes;
// both are tested against tests/data/wire.json).

import { FRAME_SAMPLES } from "./audio.js";

export const KIND = /** @type {const} */ ({
  handshake: 0x00,
  opus: 0x01,
  text: 0x02,
  control: 0x03,
  metadata: 0x04,
  error: 0x05,
  ping: 0x06,
  participant: 0x10,
  agent: 0x11,
  heard: 0x12,
  ack: 0x13,
  playback: 0x14,
});

/** Maps each event to its required fields and their types. Further fields are allowed and kept. */
export const EVENTS = /** @type {Readonly<Record<string, Readonly<Record<string, string>>>>} */ ({
  hello: { next_sequence: "integer", limit_ms: "integer" },
  queue: { position: "integer" },
  live: { engine: "string" },
  words: { text: "string", start_ms: "number", end_ms: "number", turn: "integer" },
  transcript: { role: "string", text: "string", raw_text: "string", turn: "integer" },
  noticed: { turn: "integer", sounded: "string" },
  turn: { state: "string", turn: "integer" },
  switch: { converter: "string", requested_sample: "integer", actual_sample: "integer" },
  overflow: { direction: "string", frames: "integer" },
  gap: { first: "integer", frames: "integer" },
  server: { about: "object" },
  preview: { latency_samples: "integer" },
  moving: { next_step: "integer" },
  away: { away: "boolean" },
  ended: { reason: "string", message: "string" },
  device: { settings: "object" },
  slip: { sample: "integer", slipped_samples: "integer" },
  lost: { first: "integer", frames: "integer" },
  mute: { muted: "boolean", sample: "integer" },
  buffer: { change: "string" },
  monitor: { level: "number" },
  end: {},
  render: { number: "integer" },
  rendered: { number: "integer", latency_samples: "integer", samples: "integer" },
  probe: { number: "integer" },
  probed: { number: "integer", latency_samples: "integer" },
});

export const CONTROL_ACTIONS = Object.freeze(["start", "end_turn", "pause", "restart"]);
export const AUDIO_HEADER_BYTES = 16;
export const MAX_AUDIO_BYTES = 2 * FRAME_SAMPLES;
export const MAX_JSON_BYTES = 16_384;
export const MAX_OPUS_BYTES = 65_536;
export const DOWNLINK_WINDOW_FRAMES = 25;
const PLAYBACK_BYTES = 28;
const ACK_BYTES = 8;

/**
 * @typedef {"participant" | "agent" | "heard"} AudioKind
 * @typedef {Record<string, unknown>} EventData
 * @typedef {{kind: AudioKind, sequence: number, sample: number, pcm: Int16Array<ArrayBuffer>}} AudioFrame
 * @typedef {{kind: "metadata", event: string, data: EventData}} Metadata
 * @typedef {{kind: "error", code: string, message: string}} ErrorMessage
 * @typedef {{kind: "ack", sequence: number}} Ack
 * @typedef {object} Playback
 * @property {"playback"} kind
 * @property {number} received_step the last one that arrived
 * @property {number} sounding_step the one that begins to sound at microphone sample `sample`
 * @property {number} sample
 * @property {number} depth_samples fill of the jitter buffer
 * @property {number} underruns
 * @typedef {{kind: "handshake"} | {kind: "ping"} | {kind: "opus", data: Uint8Array} | {kind: "text", text: string}
 *   | {kind: "control", action: number} | Metadata | ErrorMessage | AudioFrame | Ack | Playback} Message
 */

/** Thrown if bytes are not a message of the protocol. */
export class WireError extends Error {
  /** @param {string} expected @param {string} found */
  constructor(expected, found) {
    super(`expected ${expected}, found ${found}`);
    this.name = "WireError";
  }
}

/**
 * Encodes an audio frame without building a message object for each frame.
 * @param {AudioKind} kind
 * @param {number} sequence counts frames of its own kind
 * @param {number} sample place of the first sample on the microphone clock
 * @param {Int16Array} pcm
 */
export function encodeAudio(kind, sequence, sample, pcm) {
  const bytes = new Uint8Array(AUDIO_HEADER_BYTES + pcm.byteLength);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, KIND[kind]);
  view.setUint32(4, sequence, true);
  view.setBigUint64(8, BigInt(sample), true);
  bytes.set(new Uint8Array(pcm.buffer, pcm.byteOffset, pcm.byteLength), AUDIO_HEADER_BYTES);
  return bytes;
}

/**
 * @param {string} event
 * @param {EventData} [data]
 * @throws {WireError} for an event that is not in EVENTS or lacks a field
 */
export function encodeEvent(event, data = {}) {
  return encode({ kind: "metadata", event, data });
}

/**
 * @param {Message} message
 * @returns {Uint8Array<ArrayBuffer>}
 * @throws {WireError} for an event that is not in EVENTS or lacks a field
 */
export function encode(message) {
  switch (message.kind) {
    case "participant":
    case "agent":
    case "heard":
      return encodeAudio(message.kind, message.sequence, message.sample, message.pcm);
    case "metadata":
      checkEvent(message.event, message.data);
      return withType(KIND.metadata, utf8(JSON.stringify({ event: message.event, ...message.data })));
    case "error":
      return withType(KIND.error, utf8(JSON.stringify({ code: message.code, message: message.message })));
    case "ack": {
      const view = new DataView(new ArrayBuffer(ACK_BYTES));
      view.setUint8(0, KIND.ack);
      view.setUint32(4, message.sequence, true);
      return new Uint8Array(view.buffer);
    }
    case "playback": {
      const view = new DataView(new ArrayBuffer(PLAYBACK_BYTES));
      view.setUint8(0, KIND.playback);
      view.setUint32(4, message.received_step, true);
      view.setUint32(8, message.sounding_step, true);
      view.setBigUint64(12, BigInt(message.sample), true);
      view.setUint32(20, message.depth_samples, true);
      view.setUint32(24, message.underruns, true);
      return new Uint8Array(view.buffer);
    }
    case "text":
      return withType(KIND.text, utf8(message.text));
    case "opus":
      return withType(KIND.opus, message.data);
    case "control":
      return Uint8Array.of(KIND.control, message.action);
    default:
      return Uint8Array.of(KIND[message.kind]);
  }
}

/**
 * @param {ArrayBuffer} buffer
 * @returns {Message}
 * @throws {WireError} for any bytes that are not a message
 */
export function decode(buffer) {
  const bytes = new Uint8Array(buffer);
  if (bytes.length === 0) throw new WireError("a message", "no bytes");
  const body = bytes.subarray(1);
  switch (bytes[0]) {
    case KIND.participant:
      return decodeAudio("participant", buffer);
    case KIND.agent:
      return decodeAudio("agent", buffer);
    case KIND.heard:
      return decodeAudio("heard", buffer);
    case KIND.metadata: {
      const { event, ...data } = jsonObject(body);
      if (typeof event !== "string") throw new WireError('metadata with an "event"', "none");
      checkEvent(event, data);
      return { kind: "metadata", event, data };
    }
    case KIND.error: {
      const { code, message } = jsonObject(body);
      if (typeof code !== "string" || typeof message !== "string")
        throw new WireError("an error with code and message", "other fields");
      return { kind: "error", code, message };
    }
    case KIND.ack:
      checkLength("ack", bytes, ACK_BYTES);
      return { kind: "ack", sequence: new DataView(buffer).getUint32(4, true) };
    case KIND.playback:
      return decodePlayback(bytes);
    case KIND.text:
      return { kind: "text", text: text(body) };
    case KIND.opus:
      if (body.length > MAX_OPUS_BYTES)
        throw new WireError(`at most ${MAX_OPUS_BYTES} bytes of Opus`, `${body.length}`);
      return { kind: "opus", data: body };
    case KIND.control:
      checkLength("control", bytes, 2);
      if (bytes[1] >= CONTROL_ACTIONS.length)
        throw new WireError(`a control action below ${CONTROL_ACTIONS.length}`, `${bytes[1]}`);
      return { kind: "control", action: bytes[1] };
    case KIND.handshake:
      return { kind: "handshake" };
    case KIND.ping:
      return { kind: "ping" };
    default:
      throw new WireError("a known type byte", `0x${bytes[0].toString(16).padStart(2, "0")}`);
  }
}

/**
 * @param {string} event
 * @param {EventData} fields
 * @throws {WireError} unless `event` is in EVENTS and has its fields with their types
 */
export function checkEvent(event, fields) {
  if (!Object.hasOwn(EVENTS, event)) throw new WireError("an event of the protocol", event.slice(0, 40));
  for (const [name, type] of Object.entries(EVENTS[event]))
    if (!hasType(fields[name], type)) throw new WireError(`${event}.${name} of type ${type}`, typeof fields[name]);
}

/** @param {unknown} value @param {string} type */
function hasType(value, type) {
  switch (type) {
    case "integer":
      return Number.isSafeInteger(value);
    case "number":
      return Number.isFinite(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    default:
      return typeof value === type;
  }
}

/** @param {AudioKind} kind @param {ArrayBuffer} buffer @returns {AudioFrame} */
function decodeAudio(kind, buffer) {
  const pcmBytes = buffer.byteLength - AUDIO_HEADER_BYTES;
  if (pcmBytes < 2 || pcmBytes % 2 || pcmBytes > MAX_AUDIO_BYTES)
    throw new WireError(`audio of 2 to ${MAX_AUDIO_BYTES} bytes in whole samples`, `${Math.max(pcmBytes, 0)} bytes`);
  const view = new DataView(buffer);
  const sequence = view.getUint32(4, true);
  return { kind, sequence, sample: exactInteger(view, 8), pcm: new Int16Array(buffer, AUDIO_HEADER_BYTES) };
}

/** @param {Uint8Array<ArrayBuffer>} bytes @returns {Playback} */
function decodePlayback(bytes) {
  checkLength("playback report", bytes, PLAYBACK_BYTES);
  const view = new DataView(bytes.buffer);
  return {
    kind: "playback",
    received_step: view.getUint32(4, true),
    sounding_step: view.getUint32(8, true),
    sample: exactInteger(view, 12),
    depth_samples: view.getUint32(20, true),
    underruns: view.getUint32(24, true),
  };
}

/** @param {DataView} view @param {number} offset of a uint64 that must be a safe integer in JavaScript */
function exactInteger(view, offset) {
  const value = Number(view.getBigUint64(offset, true));
  if (!Number.isSafeInteger(value)) throw new WireError("a sample below 2^53", "a later one");
  return value;
}

/** @param {Uint8Array} body @returns {Record<string, unknown>} */
function jsonObject(body) {
  if (body.length > MAX_JSON_BYTES) throw new WireError(`at most ${MAX_JSON_BYTES} bytes of JSON`, `${body.length}`);
  let value;
  try {
    value = JSON.parse(text(body));
  } catch {
    throw new WireError("JSON", "something else");
  }
  if (!hasType(value, "object")) throw new WireError("a JSON object", typeof value);
  return value;
}

/** @param {Uint8Array} body */
function text(body) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    throw new WireError("UTF-8", "other bytes");
  }
}

/** @param {string} what @param {Uint8Array} bytes @param {number} size */
function checkLength(what, bytes, size) {
  if (bytes.length !== size) throw new WireError(`${what} of ${size} bytes`, `${bytes.length}`);
}

/** @param {string} value */
function utf8(value) {
  return new TextEncoder().encode(value);
}

/** @param {number} kind @param {Uint8Array} body @returns {Uint8Array<ArrayBuffer>} */
function withType(kind, body) {
  const bytes = new Uint8Array(1 + body.length);
  bytes[0] = kind;
  bytes.set(body, 1);
  return bytes;
}
