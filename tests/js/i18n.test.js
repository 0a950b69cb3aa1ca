import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { language, translate, translatePlural, useCatalogue } from "../../studies/static/studies/js/i18n.js";

afterEach(() => useCatalogue(null));

test("without a page the source's English is said, with its values", () => {
  assert.equal(translate("Take %(number)s of %(total)s", { number: 2, total: 5 }), "Take 2 of 5");
  assert.equal(translatePlural("%(n)s second", "%(n)s seconds", 1), "1 second");
  assert.equal(translatePlural("%(n)s second", "%(n)s seconds", 0), "0 seconds");
  assert.equal(language(), "en-GB");
});

test("a value that is missing leaves its placeholder, and a value's own placeholders stay", () => {
  assert.equal(translate("%(one)s, %(two)s", { one: "%(two)s" }), "%(two)s, %(two)s");
});

test("a catalogue translates; what it lacks stays English", () => {
  useCatalogue({
    language: "sv",
    messages: { "Take %(number)s": "Samtal %(number)s", "%(n)s second": ["%(n)s sekund", "%(n)s sekunder"], Stop: "" },
  });
  assert.equal(translate("Take %(number)s", { number: 3 }), "Samtal 3");
  assert.equal(translate("Stop"), "Stop");
  assert.equal(translate("Start"), "Start");
  assert.equal(translate("%(n)s second"), "%(n)s second");
  assert.equal(translatePlural("%(n)s second", "%(n)s seconds", 1), "1 sekund");
  assert.equal(translatePlural("%(n)s second", "%(n)s seconds", 7), "7 sekunder");
  assert.equal(translatePlural("%(n)s minute", "%(n)s minutes", 1), "1 minute");
  assert.equal(language(), "sv");
});

test("languages with more than two plural forms find theirs", () => {
  useCatalogue({ language: "pl", messages: { "%(n)s take": ["%(n)s rozmowa", "%(n)s rozmowy", "%(n)s rozmów"] } });
  const said = [1, 2, 5, 22].map((n) => translatePlural("%(n)s take", "%(n)s takes", n));
  assert.deepEqual(said, ["1 rozmowa", "2 rozmowy", "5 rozmów", "22 rozmowy"]);
});
