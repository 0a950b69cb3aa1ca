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

/** A line that is live over the newest of `FakeSocket.opened`, and what it tells its page. @param {any} microphone */
function liveLine(microphone) {
  const globals = /** @type {any} */ (globalThis);
  globals.WebSocket = FakeSocket;
  globals.location = { href: "http://localhost/" };
  const told = /** @type {any[]} */ ([]);
  const line = new TalkLine((message) => told.push(message));
  const source = { method: /** @type {const} */ ("worklet"), port: microphone, rateHz: RATE_HZ };
  line.listen({ do: "listen", source, latencyMs: 0, settings: {} });
  const address = { socketUrl: "/ws", ticketUrl: "/ticket", ticket: "first", csrfToken: "", graceMs: 300_000 };
  line.open({ do: "open", address, playbackPort: fakePort(), monitorPort: null, catalogue: null });
  return { line, told };
}

/** @returns {Promise<FakeSocket>} the newest socket, once it is open and live */
async function goLive() {
  await sleep(0);
  const socket = /** @type {FakeSocket} */ (FakeSocket.opened.at(-1));
  socket.tell("hello", { next_sequence: 0, limit_ms: 600_000 });
  socket.tell("live", { engine: "echo" });
  return socket;
}

test("a microphone that sends nothing for four seconds has stalled, and its talk ends for that", async (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  const microphone = fakePort();
  const { line, told } = liveLine(microphone);
  context.after(() => line.close());
  const stalls = () => told.filter(({ say }) => say === "stalled").length;
  context.mock.timers.tick(9_000); // It may be quiet until the talk is live.
  assert.equal(stalls(), 0);
  const socket = await goLive();
  context.mock.timers.tick(3_000);
  microphone.onmessage({ data: { frame: 0, samples: new Float32Array(RATE_HZ) } });
  context.mock.timers.tick(3_000);
  assert.equal(stalls(), 0);
  context.mock.timers.tick(1_000);
  assert.equal(stalls(), 1);
  line.end("microphone_lost");
  assert.deepEqual(socket.sent.at(-1), { kind: "metadata", event: "end", data: { reason: "microphone_lost" } });
});

test("a microphone that the system has muted has not stalled", async (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  const { line, told } = liveLine(fakePort());
  context.after(() => line.close());
  const socket = await goLive();
  const sockets = FakeSocket.opened.length;
  line.pause(true);
  context.mock.timers.tick(20_000);
  assert.deepEqual([told.filter(({ say }) => say === "stalled"), FakeSocket.opened.length], [[], sockets]);
  line.end("participant");
  assert.deepEqual(socket.sent.at(-1), { kind: "metadata", event: "end", data: {} });
});

for (const { loud, told: expected } of [
  { loud: true, told: 1 },
  { loud: false, told: 0 },
])
  test(`a cut of eight seconds ${loud ? "with a question in it is told" : "of silence is not told"}`, async (context) => {
    const microphone = fakePort();
    const { line, told } = liveLine(microphone);
    context.after(() => line.close());
    /** @type {any} */ (globalThis).fetch = async () => ({ ok: true, json: async () => ({ ticket: "second" }) });
    const first = await goLive();
    const before = FakeSocket.opened.length;
    first.onclose({ code: 1006 });
    for (let second = 0; second < 8; second++) {
      const amplitude = loud && second >= 3 && second < 5 ? 0.2 : 0.001;
      const samples = Float32Array.from({ length: RATE_HZ }, (_, n) => (n % 2 ? amplitude : -amplitude));
      microphone.onmessage({ data: { frame: second * RATE_HZ, samples: samples.map((sample, n) => sample * Math.sin(n / 9)) } });
    }
    for (let waits = 0; FakeSocket.opened.length === before; waits++) {
      assert.ok(waits < 100, "the page did not come back");
      await sleep(20);
    }
    const second = /** @type {FakeSocket} */ (FakeSocket.opened.at(-1));
    second.tell("hello", { next_sequence: 0, limit_ms: 600_000 });
    assert.equal(told.filter(({ say }) => say === "unheard").length, expected);
    assert.ok(second.sent.filter(({ kind }) => kind === "participant").length > 390);
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
  line.end("participant");
  assert.deepEqual(second.sent.filter(({ event }) => event === "end").length, 1);
  assert.deepEqual(second.sent.filter(({ kind, event }) => kind === "participant" || event === "lost"), []);
});
