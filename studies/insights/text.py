"""Measures words: their number, their rate and their sentiment."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any
from unicodedata import category, normalize

from studies.errors import Unmeasurable
from studies.insights.measurement import Method, Role, Words

WORD_COUNT = Method(
    "word_count", "words", "Words of the transcript: letters or digits, apostrophes and hyphens within", "2"
)
WORDS_PER_MIN = Method("words_per_min", "words/min", "Words of the transcript over speaking time and pauses", "2")
SENTIMENT = Method("sentiment", "", "VADER compound score, −1 to 1, English (Hutto & Gilbert 2014)")

_WORD = re.compile(r"[^\W_]+(?:['’_\-\u2010\u2011][^\W_]+)*")
_WITHIN = frozenset({"Mn", "Mc", "Me", "Cf"})
"""Marks on letters, and what joins or parts letters unseen: part of a word, but no letters to a regular expression."""


def transcript(utterances: Iterable[Words], role: Role) -> str:
    """Returns what `role` said that was heard. Raises Unmeasurable if there are no words."""
    text = " ".join(words.text.strip() for words in utterances if words.role == role and not words.discarded)
    if not count_words(text):
        raise Unmeasurable("no transcript")
    return text


def count_words(text: str) -> int:
    letters = "".join(sign for sign in normalize("NFC", text) if category(sign) not in _WITHIN)
    return len(_WORD.findall(letters))


def sentiment(text: str) -> float:
    """Returns a value from −1 (negative) to 1 (positive)."""
    return float(_analyser().polarity_scores(text)["compound"])


@cache
def _analyser() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()
