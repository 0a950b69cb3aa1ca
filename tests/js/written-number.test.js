import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { writtenNumber } from "../../studies/static/studies/js/questions/fields.js";

const cases = JSON.parse(readFileSync(new URL("../data/written-numbers.json", import.meta.url), "utf-8"));

test("numbers mean what they mean on the server", () => {
  for (const { written, decimal, expected } of cases)
    assert.equal(writtenNumber(written, decimal), expected, JSON.stringify({ written, decimal }));
});
