import assert from "node:assert/strict";
import { test } from "node:test";

import { noticedText } from "../../studies/static/studies/js/talk/noticed-view.js";

test("what was noticed is told in words", () => {
  assert.equal(noticedText("laughing"), "It noticed: laughing");
  assert.equal(noticedText("tense, loud"), "It noticed: tense, louder than before");
});

test("a word that this page does not know is told as it is", () => {
  assert.equal(noticedText("humming"), "It noticed: humming");
});

test("nothing noticed is told, too", () => {
  assert.equal(noticedText(""), "It noticed nothing special in your voice.");
});
