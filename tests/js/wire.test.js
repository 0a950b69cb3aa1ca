import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import * as wire from "../../studies/static/studies/js/contract/wire.js";

const fixtures = JSON.parse(readFileSync(new URL("../data/wire.json", import.meta.url), "utf8"));

/** @param {string} hex */
function bytesOf(hex) {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

/** Turn a message into the fixtures' form: samples and data as hexadecimal. @param {any} message */
function described(message) {
  const plain = { ...message };
  for (const name of ["pcm", "data"])
    if (ArrayBuffer.isView(plain[name])) {
      const { buffer, byteOffset, byteLength } = plain[name];
      plain[name] = Buffer.from(buffer, byteOffset, byteLength).toString("hex");
    }
  return plain;
}

/** @param {any} message */
function built(message) {
  const plain = { ...message };
  if (plain.kind === "opus") plain.data = bytesOf(plain.data);
  if (plain.pcm !== undefined) plain.pcm = new Int16Array(bytesOf(plain.pcm).buffer);
  return plain;
}

test("kinds, events and limits are those of the fixtures", () => {
  assert.deepEqual(wire.KIND, fixtures.kinds);
  assert.deepEqual(wire.EVENTS, fixtures.events);
  assert.deepEqual(wire.CONTROL_ACTIONS, fixtures.control_actions);
  assert.deepEqual(
    {
      max_audio_bytes: wire.MAX_AUDIO_BYTES,
      max_json_bytes: wire.MAX_JSON_BYTES,
      max_opus_bytes: wire.MAX_OPUS_BYTES,
      downlink_window_frames: wire.DOWNLINK_WINDOW_FRAMES,
      audio_header_bytes: wire.AUDIO_HEADER_BYTES,
    },
    fixtures.limits,
  );
});

for (const { name, hex, message } of fixtures.cases) {
  test(`decodes ${name}`, () => assert.deepEqual(described(wire.decode(bytesOf(hex).buffer)), message));
  test(`encodes ${name}`, () => assert.equal(Buffer.from(wire.encode(built(message))).toString("hex"), hex));
}

for (const { name, hex } of fixtures.bad)
  test(`refuses ${name}`, () => assert.throws(() => wire.decode(bytesOf(hex).buffer), wire.WireError));

test("refuses a sample that JavaScript cannot count exactly", () => {
  const frame = bytesOf("1100000000000000000000000000200000000000");
  assert.throws(() => wire.decode(frame.buffer), wire.WireError);
});

test("refuses to send an event that lacks a field", () => {
  assert.throws(() => wire.encodeEvent("mute", { muted: true }), wire.WireError);
  assert.throws(() => wire.encodeEvent("toString"), wire.WireError);
});
