import assert from "node:assert/strict";
import { test } from "node:test";

import { AnswerQueue } from "../../studies/static/studies/js/questions/answer-queue.js";

/** A server that answers as it is told to, one answer at a time. */
class Server {
  received = /** @type {any[]} */ ([]);
  #outcomes;

  /** @param {...{status: number, code?: string, message?: string}} outcomes the last one stays */
  constructor(...outcomes) {
    this.#outcomes = outcomes;
  }

  /** @param {any} answer */
  send = async (answer) => {
    this.received.push(answer);
    return this.#outcomes.length > 1 ? /** @type {any} */ (this.#outcomes.shift()) : this.#outcomes[0];
  };
}

const OK = { status: 200 };
const GONE = { status: 0 };

/** @param {string} item @param {unknown} value */
const answer = (item, value) => ({ item, value, client_id: `${item}-${value}` });
const never = () => /** @type {Promise<void>} */ (new Promise(() => {}));
const soon = () => /** @type {Promise<void>} */ (new Promise((resolve) => setTimeout(resolve, 0)));

test("answers arrive in order, and all is said to be saved", async () => {
  const server = new Server(OK);
  const queue = new AnswerQueue(server.send);
  const states = /** @type {string[]} */ ([]);
  queue.onState = (state) => states.push(state);
  queue.put(answer("a", 1));
  queue.put(answer("b", 2));
  assert.equal(await queue.settle(), "saved");
  assert.deepEqual(
    server.received.map(({ item }) => item),
    ["a", "b"],
  );
  assert.deepEqual([states.at(-1), queue.unsaved], ["saved", []]);
});

test("what does not arrive is sent again as it was, with the same name", async () => {
  const server = new Server(GONE, { status: 503 }, OK);
  const queue = new AnswerQueue(server.send, soon);
  queue.put(answer("a", 1));
  while (queue.unsaved.length > 0) await soon();
  assert.deepEqual(
    server.received.map(({ client_id }) => client_id),
    ["a-1", "a-1", "a-1"],
  );
});

test("pauses grow and end", async () => {
  const pauses = /** @type {number[]} */ ([]);
  const server = new Server(...Array(7).fill(GONE), OK);
  const queue = new AnswerQueue(server.send, (ms) => (pauses.push(ms), soon()));
  queue.put(answer("a", 1));
  while (queue.unsaved.length > 0) await soon();
  assert.deepEqual(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
});

test("a newer answer replaces one that was not sent yet, and settling tries at once", async () => {
  const server = new Server(GONE, OK);
  const queue = new AnswerQueue(server.send, never);
  queue.put(answer("a", 1));
  await soon();
  queue.put(answer("b", 1));
  queue.put(answer("b", 2));
  assert.equal(await queue.settle(), "saved");
  assert.deepEqual(
    server.received.map(({ client_id }) => client_id),
    ["a-1", "a-1", "b-2"],
  );
});

test("what may be on its way still is known to have arrived before a newer answer is sent", async () => {
  const server = new Server(GONE, OK);
  const queue = new AnswerQueue(server.send, never);
  queue.put(answer("a", 1));
  await soon();
  queue.put(answer("a", 2));
  queue.put(answer("a", 3));
  assert.deepEqual(
    queue.unsaved.map(({ value }) => value),
    [1, 3],
  );
  assert.equal(await queue.settle(), "saved");
  assert.deepEqual(
    server.received.map(({ value }) => value),
    [1, 1, 3],
  );
});

test("an answer given while the one before it is on its way is sent too", async () => {
  const sent = /** @type {any[]} */ ([]);
  const answered = /** @type {(() => void)[]} */ ([]);
  const queue = new AnswerQueue((each) => {
    sent.push(each.value);
    return new Promise((resolve) => answered.push(() => resolve(OK)));
  });
  queue.put(answer("a", 1));
  queue.put(answer("a", 2));
  answered[0]();
  while (answered.length < 2) await soon();
  answered[1]();
  assert.equal(await queue.settle(), "saved");
  assert.deepEqual(sent, [1, 2]);
});

test("settling without a connection says that answers wait", async () => {
  const queue = new AnswerQueue(new Server(GONE).send, never);
  queue.put(answer("a", 1));
  assert.equal(await queue.settle(), "waiting");
  assert.equal(queue.unsaved.length, 1);
});

test("what is not right is told and dropped, and the rest goes on", async () => {
  const server = new Server({ status: 422, message: "Too large." }, OK);
  const queue = new AnswerQueue(server.send);
  const refused = /** @type {any[]} */ ([]);
  queue.onRefused = ({ item }, message) => refused.push([item, message]);
  queue.put(answer("a", 1_000));
  queue.put(answer("b", 2));
  assert.equal(await queue.settle(), "saved");
  assert.deepEqual([refused, queue.unsaved], [[["a", "Too large."]], []]);
});

test("another tab stops the queue, which keeps its answers until it may go on", async () => {
  const server = new Server({ status: 409, code: "taken_over", message: "Elsewhere." }, OK);
  const queue = new AnswerQueue(server.send);
  const stopped = /** @type {string[]} */ ([]);
  queue.onStopped = (code) => stopped.push(code);
  queue.put(answer("a", 1));
  assert.equal(await queue.settle(), "stopped");
  assert.deepEqual([stopped, queue.unsaved.length], [["taken_over"], 1]);
  queue.resume();
  assert.equal(await queue.settle(), "saved");
  assert.deepEqual(queue.unsaved, []);
});
