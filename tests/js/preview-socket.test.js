import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { PreviewProblem, PreviewSocket } from "../../studies/static/studies/js/preview/preview-socket.js";
import { decode, encode, encodeAudio, encodeEvent } from "../../studies/static/studies/js/contract/wire.js";

/** A server's side of the sockets that a page opens. */
class FakeSocket {
  static OPEN = 1;
  static opened = /** @type {FakeSocket[]} */ ([]);
  readyState = 0;
  sent = /** @type {any[]} */ ([]);
  onopen = () => {};
  onclose = () => {};
  onmessage = (/** @type {{data: ArrayBuffer}} */ _event) => {};
  onsent = (/** @type {any} */ _message) => {};

  constructor() {
    FakeSocket.opened.push(this);
    queueMicrotask(() => {
      this.readyState = FakeSocket.OPEN;
      this.onopen();
    });
  }

  /** @param {Uint8Array<ArrayBuffer>} data */
  send(data) {
    const message = decode(data.buffer);
    this.sent.push(message);
    queueMicrotask(() => this.onsent(message));
  }

  /** @param {Uint8Array<ArrayBuffer>} data */
  answer(data) {
    this.onmessage({ data: data.buffer });
  }

  break() {
    this.readyState = 3;
    this.onclose();
  }

  close() {
    this.readyState = 3;
  }
}

/** Renders by doubling: `rendered`, then the heard frames. @param {FakeSocket} socket */
function serve(socket) {
  socket.onsent = (message) => {
    if (message.event !== "render") return;
    const said = socket.sent.filter(({ kind }) => kind === "participant");
    const fields = { number: message.data.number, latency_samples: 1_440, samples: 480 * said.length };
    socket.answer(encodeEvent("rendered", fields));
    for (const { sequence, sample, pcm } of said)
      socket.answer(encodeAudio("heard", sequence, sample, pcm.map((/** @type {number} */ value) => 2 * value)));
  };
}

const sentence = Int16Array.from({ length: 1_000 }, (_, n) => n);

beforeEach(() => {
  FakeSocket.opened = [];
  Object.assign(globalThis, { WebSocket: FakeSocket, location: { href: "http://study.example/p/token/check/" } });
});

test("a sentence comes back in whole frames, with its latency", async () => {
  const preview = new PreviewSocket("/ws/p/token/preview/");
  preview.sentence = sentence;
  const rendering = preview.render({ voice: 0 });
  await Promise.resolve();
  serve(FakeSocket.opened[0]);
  const { samples, latencyMs } = await rendering;
  assert.equal(latencyMs, 60);
  assert.equal(samples.length, 960);
  assert.equal(samples[700], (2 * 700) / 32_768);
});

test("a sentence is told once, and again after the connection was lost", async () => {
  const preview = new PreviewSocket("/ws/p/token/preview/");
  preview.sentence = sentence;
  const first = preview.render({ voice: 0 });
  await Promise.resolve();
  const [before] = FakeSocket.opened;
  serve(before);
  await first;
  await preview.render({ voice: 1 });
  assert.equal(before.sent.filter(({ kind }) => kind === "participant").length, 2);
  before.break();
  const again = preview.render({ voice: 1 });
  await new Promise((resolve) => setImmediate(resolve));
  const [, after] = FakeSocket.opened;
  serve(after);
  after.onsent(after.sent.at(-1));
  assert.equal((await again).samples.length, 960);
});

test("what the server will not do is told, and the next order goes on", async () => {
  const preview = new PreviewSocket("/ws/p/token/preview/");
  const refused = preview.probe();
  await Promise.resolve();
  const [socket] = FakeSocket.opened;
  socket.onsent = () => socket.answer(encode({ kind: "error", code: "no_worker", message: "Nobody is there." }));
  await assert.rejects(refused, new PreviewProblem("Nobody is there."));
  socket.onsent = ({ data }) => socket.answer(encodeEvent("probed", { number: data.number, latency_samples: 1_440 }));
  const { latencyMs, roundTripMs } = await preview.probe();
  assert.equal(latencyMs, 60);
  assert.ok(roundTripMs >= 0);
});

test("a ping goes to the server and back, one after the other", async () => {
  const preview = new PreviewSocket("/ws/p/token/preview/");
  const first = preview.ping();
  await Promise.resolve();
  const [socket] = FakeSocket.opened;
  socket.onsent = ({ kind }) => socket.answer(encode({ kind }));
  assert.ok((await first) >= 0);
  assert.ok((await preview.ping()) >= 0);
  assert.deepEqual(socket.sent, [{ kind: "ping" }, { kind: "ping" }]);
});

test("a connection that breaks ends the order", async () => {
  const preview = new PreviewSocket("/ws/p/token/preview/");
  const lost = preview.probe();
  await Promise.resolve();
  const [socket] = FakeSocket.opened;
  socket.onsent = () => socket.break();
  await assert.rejects(lost, PreviewProblem);
});
