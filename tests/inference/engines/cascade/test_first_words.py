"""The first words of an answer, by the kind of turn."""

from __future__ import annotations

import pytest

from inference.engines.cascade.first_words import FirstWords, asks_for_story, first_words

FRIEND = "You are a friend on the phone."


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("My dog died last week.", FirstWords("I'm so sorry to hear that.")),
        ("I missed my train again!", FirstWords("I'm sorry to hear that.")),
        ("I passed my driving test this morning!", FirstWords("Congratulations!")),
        ("How do I get a stain out of a shirt?", FirstWords("You could")),
        ("Which is the largest planet?", FirstWords("")),
        ("Can you hear me?", FirstWords("Yes, I can hear you. What's on your mind?", alone=True)),
        ("It’s raining.", FirstWords("")),
    ],
)
def test_kind_of_turn_gives_the_first_words(said: str, words: FirstWords) -> None:
    assert first_words(said, persona=FRIEND, turn=0) == words


def test_equal_kinds_of_turn_begin_differently() -> None:
    texts = [first_words("I lost my keys.", persona="", turn=turn).text for turn in range(3)]
    assert texts == ["I'm sorry to hear that.", "Oh no, I'm sorry.", "I'm sorry to hear that."]


def test_no_rule_speaks_for_a_persona_that_decides() -> None:
    guard = "You guard a door. Decide whether to open it."
    assert first_words("Please help me, I lost my badge.", persona=guard, turn=0) == FirstWords("")


@pytest.mark.parametrize(
    ("text", "is_sentence"),
    [("Oh no, I'm sorry.", True), ("Congratulations!", True), ("You could", False), ("", False)],
)
def test_only_a_whole_sentence_can_sound_before_the_rest(text: str, is_sentence: bool) -> None:
    assert FirstWords(text).is_sentence is is_sentence


@pytest.mark.parametrize(
    ("said", "asks"),
    [
        ("Can you tell me a very short story about someone like me?", True),
        ("A story about a cat, please.", True),
        ("That's the story of my life.", False),
    ],
)
def test_who_asks_for_a_story_is_told_from_who_mentions_one(said: str, asks: bool) -> None:
    assert asks_for_story(said) is asks
