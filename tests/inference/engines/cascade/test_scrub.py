from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.engines.cascade.clauses import Scrubbed, scrub


@pytest.mark.parametrize(
    ("raw", "text", "removed"),
    [
        ("Ha ha ha!", "", ("Ha ha ha",)),
        ("Haha, that's funny.", "That's funny.", ("Haha",)),
        ("That's funny, haha.", "That's funny.", ("haha",)),
        ("Hahahahaha", "", ("Hahahahaha",)),
        ("hehe [laughter] ok", "ok", ("hehe", "[laughter]")),
        ("(laughs) I know.", "I know.", ("(laughs)",)),
        ("*sighs* I'm tired.", "I'm tired.", ("*sighs*",)),
        ("Ho ho ho, merry Christmas", "Merry Christmas", ("Ho ho ho",)),
        ("He he he, nice.", "Nice.", ("He he he",)),
        ("Bwahaha, you fool!", "You fool!", ("Bwahaha",)),
        ("♪ la la ♪ hello", "hello", ("♪ la la ♪",)),
        ("Uh, I think so.", "I think so.", ("Uh",)),
        ("your family and um, your hobbies.", "your family and your hobbies.", ("um",)),
        ("Hmm.", "", ("Hmm",)),
        ("No, no, uh, no...", "No, no, no...", ("uh",)),
        ("Haha. Yes. Hehe.", "Yes.", ("Haha", "Hehe")),
        ("Oh, I see.", "I see.", ("Oh",)),
        ("Aww, that's sweet!", "That's sweet!", ("Aww",)),
        ("Her hat, eh?", "Her hat?", ("eh",)),
        ("Er, maybe.", "Maybe.", ("Er",)),
    ],
)
def test_laughter_and_interjections_go(raw: str, text: str, removed: tuple[str, ...]) -> None:
    assert scrub(raw) == Scrubbed(text, removed)


@pytest.mark.parametrize(
    "words",
    [
        "What is the capital of France?",
        "He, he said so.",
        "Uh-huh.",
        "Mm-hmm, yes.",
        "It is 5 mm long.",
        "My number is two oh five.",
        "I went to the ER.",
        "The house has a ham and a hatch.",
        "Ho Chi Minh City",
        "Hawaii, Tahiti, hello, hi hi hi",
        "Her error was human, aha, however.",
        "",
    ],
)
def test_words_stay_untouched(words: str) -> None:
    assert scrub(words) == Scrubbed(words, ())


WORDS = st.sampled_from(["yes", "the", "dog", "ran", "away", "today", "What", "hat", "other", "them", "room"])
LAUGHS = st.sampled_from(["ha ha", "haha,", "hehe", "[laughter]", "(chuckles)", "um,", "Hmm...", "uh"])


@given(st.lists(WORDS), st.lists(st.tuples(st.integers(0, 20), LAUGHS)))
def test_every_word_survives_and_every_laugh_goes(words: list[str], laughs: list[tuple[int, str]]) -> None:
    mixed = list(words)
    for place, laugh in laughs:
        mixed.insert(place % (len(mixed) + 1), laugh)
    found = scrub(" ".join(mixed))
    assert re.findall(r"\w+", found.text.lower()) == [word.lower() for word in words]
    assert bool(found.removed) == bool(laughs)


@given(st.text(max_size=200))
def test_text_never_grows_and_stays_as_it_was_without_laughter(raw: str) -> None:
    found = scrub(raw)
    assert len(found.text) <= len(raw.upper()) + 1
    if not found.removed:
        assert found.text == raw
