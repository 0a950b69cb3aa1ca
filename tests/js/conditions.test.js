import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { isTrue, visible } from "../../studies/static/studies/js/questions/conditions.js";

const cases = JSON.parse(readFileSync(new URL("../data/conditions.json", import.meta.url), "utf-8"));

test("conditions hold as they do on the server", () => {
  for (const { when, answers, expected } of cases.is_true)
    assert.equal(isTrue(when, answers), expected, JSON.stringify({ when, answers }));
});

test("answers hide what they hide on the server", () => {
  for (const { items, conditions, answers, expected } of cases.visible)
    assert.deepEqual([...visible(items, conditions, answers)], expected, JSON.stringify({ conditions, answers }));
});
