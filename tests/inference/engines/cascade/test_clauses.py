from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.engines.cascade.clauses import ClauseCutter, degenerate


def cut(text: str, *, max_sentences: int = 10, whole: bool = True, size: int = 1) -> list[str]:
    cutter = ClauseCutter(max_sentences)
    pieces = []
    for place in range(0, len(text), size):
        pieces += cutter.feed(text[place : place + size])
    return pieces + cutter.finish(whole=whole)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Paris.", ["Paris."]),
        ("It is Paris. It is big, and old.", ["It is Paris.", "It is big, and old."]),
        ("Well, I do not know, really.", ["Well, I do not know,", "really."]),
        ("Dr. Smith paid 3.5 dollars. Good.", ["Dr. Smith paid 3.5 dollars.", "Good."]),
        ("One two three four five six seven eight nine ten eleven twelve.",
         ["One two three four five six seven eight", "nine ten eleven twelve."]),
        ("Yes!\n- **Eggs**\n- Milk", ["Yes!", "Eggs", "Milk"]),
        ("Hi 😀 there. 😀", ["Hi there."]),
        ("\n\n", []),
    ],
)  # fmt: skip
def test_stream_is_cut_where_it_can_be_spoken(text: str, pieces: list[str]) -> None:
    assert cut(text) == pieces


def test_answer_stops_at_its_last_sentence() -> None:
    cutter = ClauseCutter(2)
    assert cutter.feed("One. Two. Three. ") == ["One.", "Two."]
    assert cutter.full
    assert cutter.feed("Four. ") + cutter.finish(whole=True) == []


def test_broken_off_sentence_is_dropped_after_a_whole_one() -> None:
    assert cut("It is Paris. The city of", whole=False) == ["It is Paris."]


def test_broken_off_only_sentence_ends_at_its_last_comma() -> None:
    assert cut("I like it, because it is good, but the", whole=False) == ["I like it,", "because it is good."]


def test_broken_off_words_are_said_when_there_is_nothing_else() -> None:
    assert cut("It is the", whole=False) == ["It is the"]


@given(st.text(alphabet="ab .,!?\n", max_size=80), st.integers(1, 9))
def test_cutting_loses_no_word_however_the_stream_arrives(text: str, size: int) -> None:
    letters = [letter for letter in text if letter.isalpha()]
    assert [
        letter for piece in cut(text, max_sentences=99, size=size) for letter in piece if letter.isalpha()
    ] == letters


@pytest.mark.parametrize("text", ["...", "", "no, no, no, no, no", "<|im_start|>user", "12 34"])
def test_nonsense_is_recognised(text: str) -> None:
    assert degenerate(text)


@pytest.mark.parametrize("text", ["No, no, no.", "Paris.", "It is 4.", "Bye bye."])
def test_sense_is_left_alone(text: str) -> None:
    assert not degenerate(text)
