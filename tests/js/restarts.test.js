import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { Restarts } from "../../studies/static/studies/js/talk/restarts.js";

/** @type {number[]} */
let seconds = [];
let started = 0;
let restarts = new Restarts(() => {}, () => {});
const page = { hidden: false };
globalThis.document = /** @type {Document} */ (/** @type {unknown} */ (page));

beforeEach(() => {
  mock.timers.reset();
  mock.timers.enable({ apis: ["setInterval"] });
  seconds = [];
  started = 0;
  page.hidden = false;
  restarts = new Restarts(
    (secondsLeft) => seconds.push(secondsLeft),
    () => started++,
  );
});

test("a lost machine is followed by a new talk after a countdown", () => {
  assert.equal(restarts.begin("engine_lost", 2_000), true);
  mock.timers.tick(4_999);
  assert.deepEqual([seconds, started], [[5, 4, 3, 2, 1], 0]);
  mock.timers.tick(1);
  assert.equal(started, 1);
  mock.timers.tick(10_000);
  assert.equal(started, 1);
});

test("other ends are followed by nothing", () => {
  for (const reason of ["participant", "limit", "abandoned", "refused", "withdrawn"])
    assert.equal(restarts.begin(reason, 2_000), false);
  mock.timers.tick(10_000);
  assert.deepEqual([seconds, started], [[], 0]);
});

test("after three in a row a click is needed, after which there are three more", () => {
  const begun = () => restarts.begin("engine_lost", 2_000);
  assert.deepEqual([begun(), begun(), begun(), begun()], [true, true, true, false]);
  assert.equal(restarts.exhausted, true);
  restarts.reset();
  assert.deepEqual([begun(), begun(), begun(), begun()], [true, true, true, false]);
});

test("a talk that lasted begins a new row, one that never went live does not", () => {
  for (let n = 0; n < 3; n++) restarts.begin("engine_lost", NaN);
  assert.equal(restarts.begin("engine_lost", NaN), false);
  assert.equal(restarts.begin("engine_lost", 30_000), true);
});

test("the countdown can be stopped or skipped", () => {
  restarts.begin("engine_lost", 2_000);
  restarts.cancel();
  mock.timers.tick(10_000);
  assert.equal(started, 0);
  restarts.begin("engine_lost", 2_000);
  restarts.skip();
  mock.timers.tick(10_000);
  assert.equal(started, 1);
});

test("it stands still while nobody looks", () => {
  restarts.begin("engine_lost", 2_000);
  page.hidden = true;
  mock.timers.tick(60_000);
  assert.deepEqual([seconds, started], [[5], 0]);
  page.hidden = false;
  mock.timers.tick(5_000);
  assert.equal(started, 1);
});
