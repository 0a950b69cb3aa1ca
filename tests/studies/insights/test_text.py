from __future__ import annotations

from unicodedata import normalize

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studies.errors import Unmeasurable
from studies.insights.measurement import Words
from studies.insights.text import count_words, sentiment, transcript


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        (" … — ", 0),
        ("Hello there.", 2),
        ("I don't know, well-known or not", 6),
        ("I don’t", 2),
        ("It cost 3,50 in Zürich", 6),
        ("så här går det", 4),
        (normalize("NFD", "så här går det"), 4),
        (normalize("NFD", "Das weiß ich über Zürich"), 5),
        (normalize("NFD", "tiếng Việt"), 2),
        ("नमस्ते दुनिया", 2),
        ("שָׁלוֹם עֲלֵיכֶם", 2),
        ("مَرْحَبًا بِكُم", 2),
        ("می\u200cخواهم", 1),
        ("co\u00adoperate", 1),
        ("well\u2011known", 1),
        ("\u0301 _ __", 0),
    ],
)
def test_words_are_counted(text: str, words: int) -> None:
    assert count_words(text) == words


def test_sentiment_follows_the_words() -> None:
    assert sentiment("The sky is above.") == 0.0
    assert sentiment("I love this wonderful day!") > 0.8
    assert sentiment("This is horrible and I hate it.") < -0.7


def test_transcript_joins_what_one_role_said_and_leaves_out_what_was_discarded() -> None:
    utterances = [
        Words("participant", " Hello. "),
        Words("agent", "Hi!"),
        Words("agent", "Never heard", discarded=True),
        Words("participant", "How are you?", 1_000, 2_000),
    ]
    assert transcript(utterances, "participant") == "Hello. How are you?"
    assert transcript(utterances, "agent") == "Hi!"


@pytest.mark.parametrize("utterances", [[], [Words("participant", " ... ")], [Words("agent", "Hello")]])
def test_transcript_without_words_cannot_be_measured(utterances: list[Words]) -> None:
    with pytest.raises(Unmeasurable, match="no transcript"):
        transcript(utterances, "participant")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(max_size=200))
def test_sentiment_of_anything_is_between_minus_one_and_one(text: str) -> None:
    assert -1 <= sentiment(text) <= 1
