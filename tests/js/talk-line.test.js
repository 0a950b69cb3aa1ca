import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { TalkLine } from "../../studies/static/studies/js/talk/talk-line.js";
import { decode, encodeAudio, encodeEvent } from "../../studies/static/studies/js/contract/wire.js";

const RATE_HZ = 24_000;

/** The server's side of one connection. */
class FakeSocket {
  static opened = /** @type {FakeSocket[]} */ ([]);
  bufferedAmount = 0;
  sent = /** @type {any[]} */ ([]);
  onmessage = (/** @type {{data: ArrayBuffer}} */ _event) => {};
  onclose = (/** @type {{code: number}} */ _event) => {};

  constructor() {
    FakeSocket.opened.push(this);
  }

  /** @param {Uint8Array<ArrayBuffer>} data */
  send(data) {
    this.sent.push(decode(data.buffer));
  }

  /** @param {string} event @param {Record<string, unknown>} fields */
  tell(event, fields) {
    this.onmessage({ data: encodeEvent(event, fields).buffer });
  }

  close() {}
}

function fakePort() {
  return /** @type {any} */ ({ postMessage: () => {}, close: () => {}, onmessage: null });
}

test("what is said in a minute without a connection is sent when the server waits for that long", async (context) => {
  const globals = /** @type {any} */ (globalThis);
  globals.WebSocket = FakeSocket;
  globals.location = { href: "http://localhost/" };
  globals.fetch = async () => ({ ok: true, json: async () => ({ ticket: "second" }) });
  const line = new TalkLine(() => {});
  context.after(() => line.close());
  const microphone = fakePort();
  const source = { method: /** @type {const} */ ("worklet"), port: microphone, rateHz: RATE_HZ };
  line.listen({ do: "listen", source, latencyMs: 0, settings: {} });
  const address = { socketUrl: "/ws", ticketUrl: "/ticket", ticket: "first", csrfToken: "", graceMs: 300_000 };
  line.open({ do: "open", address, playbackPort: fakePort(), monitorPort: null, catalogue: null });
  const [first] = FakeSocket.opened;
  assert.ok(first);
  first.tell("hello", { next_sequence: 0, limit_ms: 600_000 });
  first.tell("live", { engine: "echo" });
  first.onclose({ code: 1006 });

  for (let second = 0; second < 60; second++)
    microphone.onmessage({ data: { frame: second * RATE_HZ, samples: new Float32Array(RATE_HZ) } });
  for (let waits = 0; FakeSocket.opened.length < 2; waits++) {
    assert.ok(waits < 100, "the page did not come back");
    await sleep(20);
  }
  const second = /** @type {FakeSocket} */ (FakeSocket.opened[1]);
  second.tell("hello", { next_sequence: 0, limit_ms: 600_000 });

  const frames = second.sent.filter(({ kind }) => kind === "participant");
  assert.equal(frames[0].sequence, 0);
  assert.ok(frames.length > 2_990, `${frames.length} of about 3,000 frames`); // the resampler holds a little back
  assert.deepEqual(second.sent.filter(({ event }) => event === "lost"), []);
});

test("without a microphone the playback is reported and the end is sent, after a reconnect too", async (context) => {
  const globals = /** @type {any} */ (globalThis);
  globals.WebSocket = FakeSocket;
  globals.location = { href: "http://localhost/" };
  globals.fetch = async () => ({ ok: true, json: async () => ({ ticket: "second" }) });
  FakeSocket.opened = [];
  const line = new TalkLine(() => {});
  context.after(() => line.close());
  const playbackPort = fakePort();
  const address = { socketUrl: "/ws", ticketUrl: "/ticket", ticket: "first", csrfToken: "", graceMs: 300_000 };
  line.open({ do: "open", address, playbackPort, monitorPort: null, catalogue: null });
  const first = /** @type {FakeSocket} */ (FakeSocket.opened[0]);
  first.tell("hello", { next_sequence: 0, limit_ms: 600_000 });
  first.tell("live", { engine: "echo" });
  line.setOutputClock(performance.timeOrigin + performance.now());
  playbackPort.onmessage({ data: { began: { step: 0, contextSec: 0.25 }, depth_samples: 0, underruns: 0 } });
  for (let step = 0; step < 5; step++)
    first.onmessage({ data: encodeAudio("agent", step, step * 1_920, new Int16Array(1_920)).buffer });

  const reports = first.sent.filter(({ kind }) => kind === "playback");
  assert.deepEqual(reports.map(({ received_step }) => received_step), [4]);
  assert.ok(reports[0].sample >= 0.25 * RATE_HZ, "the clock of the microphone runs since the talk went live");

  first.onclose({ code: 1006 });
  for (let waits = 0; FakeSocket.opened.length < 2; waits++) {
    assert.ok(waits < 100, "the page did not come back");
    await sleep(20);
  }
  const second = /** @type {FakeSocket} */ (FakeSocket.opened[1]);
  second.tell("hello", { next_sequence: 900, limit_ms: 600_000 });
  line.end();
  assert.deepEqual(second.sent.filter(({ event }) => event === "end").length, 1);
  assert.deepEqual(second.sent.filter(({ kind, event }) => kind === "participant" || event === "lost"), []);
});
