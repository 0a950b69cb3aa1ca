"""Answers as they come, item by item: kept, or refused with words for the participant."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
from django.core.exceptions import ValidationError
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from studies.questions.question import Drawn
from studies.questions.reading import LARGEST_NUMBER, PAGE_LANGUAGE
from studies.questions.registry import AnyItem
from tests.studies.participant.questionnaires import EVERY_ANSWER, EVERY_ITEM

ITEMS: dict[str, AnyItem] = {each["key"]: TypeAdapter(AnyItem).validate_python(each) for each in EVERY_ITEM}
ASKED = [item for key, item in ITEMS.items() if key in EVERY_ANSWER]
REQUIRED = [item for item in ASKED if item.is_required]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.sampled_from(["other", "kind"]), inner),
    max_leaves=6,
)


def made(**fields: Any) -> AnyItem:
    return TypeAdapter(AnyItem).validate_python({"key": "one", "text": "Say", **fields})


def problem(item: AnyItem, value: Any, **how: Any) -> str:
    with pytest.raises(ValidationError) as raised:
        item.checked(value, **how)
    return str(raised.value.message)


@pytest.mark.parametrize("item", ASKED, ids=lambda item: item.key)
def test_answer_that_was_kept_is_kept_again(item: AnyItem) -> None:
    assert item.checked(EVERY_ANSWER[item.key]) == EVERY_ANSWER[item.key]


@given(st.sampled_from(ASKED), JSON, st.booleans())
def test_whatever_comes_is_kept_as_json_or_refused(item: AnyItem, value: Any, complete: bool) -> None:
    try:
        kept = item.checked(value, complete=complete)
    except ValidationError:
        return
    assert json.loads(json.dumps(kept, allow_nan=False)) == kept
    assert item.checked(kept, complete=complete) == kept
    assert "\\u0000" not in json.dumps(kept)
    json.dumps(kept, ensure_ascii=False).encode()  # no half of a surrogate pair


@pytest.mark.parametrize("item", [item for item in ASKED if item.is_required], ids=lambda item: item.key)
@pytest.mark.parametrize("nothing", [None, "", [], {}])
def test_required_answer_is_missed_only_when_going_on(item: AnyItem, nothing: Any) -> None:
    assert problem(item, nothing) in {"Please choose an answer.", "Please fill in this field."}
    assert item.checked(nothing, complete=False) is None


def test_answer_in_ones_own_words_needs_them_to_go_on() -> None:
    assert problem(ITEMS["drink"], {"other": "  "}).startswith("Please answer in your own words")
    assert ITEMS["drink"].checked({"other": "  "}, complete=False) == {"other": ""}
    assert "not one of the possible answers" in problem(ITEMS["warm"], {"other": "words"})


def test_choices_are_kept_once_and_in_the_order_of_the_options() -> None:
    assert ITEMS["drinks"].checked(["milk", "tea", "milk"]) == ["tea", "milk"]
    assert problem(ITEMS["drinks"], ["milk", "tea", "coffee"]) == "Please choose no more than 2 answers."
    assert "not one of" in problem(ITEMS["drinks"], ["wine"])
    several = made(type="multiple_choice", options=[{"key": k, "label": k} for k in "abc"], min_choices=2)
    assert problem(several, ["a"]) == "Please choose at least 2 answers."
    assert several.checked(["a"], complete=False) == ["a"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [("42", 42), (" 1 042,5 ", 1042.5), (3.0, 3), ("-0.25", -0.25), ("−5", -5), (LARGEST_NUMBER, LARGEST_NUMBER)],
)
def test_number_is_read_as_people_write_it(value: Any, expected: float) -> None:
    assert made(type="number").checked(value) == expected


@pytest.mark.parametrize(
    "value",
    ["1,000", "forty", "1,000.5", "1_8", "0x10", "nan", "inf", "1e400", 10**400, True, [1], float("nan"), "٣٤x"],
)
def test_what_is_no_number_is_refused(value: Any) -> None:
    assert problem(made(type="number"), value)


def test_number_outside_its_limits_says_them() -> None:
    assert problem(made(type="number", min=1, max=5), 6) == "Please enter a number from 1 to 5."
    assert problem(made(type="number", min=1), 0.5) == "Please enter a number that is at least 1."
    assert problem(made(type="number", max=5), 6) == "Please enter a number that is at most 5."
    assert problem(made(type="number", whole=True), 2.5) == "Please enter a whole number."


def test_text_is_counted_as_people_count_and_kept_without_what_cannot_be_stored() -> None:
    item = made(type="long_text", max_length=5)
    assert item.checked("👍🏽\r\n12") == "👍🏽\n12"
    assert problem(item, "seventy") == "This is too long. Please shorten it by 2 characters."
    assert item.checked("a\x00b\ud800c") == "abc"
    assert made(type="short_text").checked("one\ntwo") == "one two"


def test_day_is_one_of_the_calendar_within_its_limits() -> None:
    item = ITEMS["day"]
    assert problem(item, "2026-02-30").startswith("Please enter a date as year")
    assert problem(item, "26-02-03").startswith("Please enter a date as year")
    assert problem(item, "1999-12-31") == "Please enter a date no earlier than 1 Jan 2000."
    assert problem(item, "2031-01-01") == "Please enter a date no later than 31 Dec 2030."


def test_differential_needs_every_row_to_go_on() -> None:
    assert problem(ITEMS["tone"], {"kind": 4}) == "Please choose an answer in every row."
    assert ITEMS["tone"].checked({"kind": "4"}, complete=False) == {"kind": 4}
    assert "not one of" in problem(ITEMS["tone"], {"kind": 6})


def test_preference_is_a_side_of_this_pair() -> None:
    item = made(type="preference")
    assert [item.checked(value, sides="ABC") for value in ("C", "none")] == ["C", "none"]
    assert "not one of" in problem(item, "D", sides="ABC")
    assert "not one of" in problem(made(type="preference", no_difference=False), "none", sides="AB")


def test_recording_that_was_not_played_has_no_answer() -> None:
    item = made(type="playback")
    assert item.checked({"plays": 0, "listened_sec": 0}) is None
    assert item.checked({"plays": "2", "listened_sec": "3.14"}) == {"plays": 2, "listened_sec": 3.1}
    assert "not one of" in problem(item, {"plays": -1, "listened_sec": 3})


def test_limits_of_a_number_are_told_with_the_decimal_sign_of_the_language() -> None:
    with override("sv"):
        assert problem(made(type="number", min=0.5, max=5), 6) == "Ange ett tal från 0,5 till 5."


def kept_or_asked(language: str, written: str, **fields: Any) -> float | str:
    """What is kept of a number, or how it is asked back."""
    with override(language):
        try:
            kept = made(type="number", **fields).checked(written)
        except ValidationError as refusal:
            return str(refusal.message)
    assert isinstance(kept, int | float)
    return kept


@pytest.mark.parametrize("language", ["en", "sv", "de"])
@pytest.mark.parametrize("written", ["12.000", "12,000", "1.500", "-12.000", "123,456"])
def test_whole_number_that_can_be_read_in_two_ways_is_asked_back(language: str, written: str) -> None:
    said = kept_or_asked(language, written, whole=True)
    assert isinstance(said, str)
    assert f"“{written}”" in said or f"„{written}“" in said or f"”{written}”" in said
    assert re.sub("[.,]", "", written) in said


@pytest.mark.parametrize(
    ("language", "written", "expected"),
    [
        ("en", "12.345", 12.345),
        ("en", "12,345", "“12,345” could mean 12345 or 12.345. Please write the number you mean."),
        ("de", "12,345", 12.345),
        ("de", "12.345", "„12.345“ kann 12345 oder 12,345 bedeuten. Bitte schreiben Sie die Zahl, die Sie meinen."),
        ("sv", "12,345", 12.345),
        ("sv", "12.345", "”12.345” kan betyda 12345 eller 12,345. Skriv det tal du menar."),
    ],
)
def test_fraction_has_the_sign_of_the_language(language: str, written: str, expected: float | str) -> None:
    assert kept_or_asked(language, written) == expected


@pytest.mark.parametrize("language", ["en", "sv", "de"])
@pytest.mark.parametrize(
    ("written", "expected"),
    [("12000", 12_000), ("12 000", 12_000), ("1\u202f250\u00a0000", 1_250_000), ("12.0", 12), ("12,00", 12)],
)
def test_whole_number_that_is_clear_is_kept(language: str, written: str, expected: int) -> None:
    assert kept_or_asked(language, written, whole=True) == expected


@pytest.mark.parametrize(
    ("written", "expected"), [("0.125", 0.125), ("0,125", 0.125), ("1234,567", 1_234.567), (".125", 0.125)]
)
def test_fraction_that_no_thousands_look_like_is_clear(written: str, expected: float) -> None:
    assert {kept_or_asked(language, written) for language in ("en", "sv", "de")} == {expected}


@pytest.mark.parametrize("written", ["1 2", "12 34", "1.000.000", "1.000,5", "1,000.5", "12 0000"])
def test_what_is_not_one_number_is_asked_back(written: str) -> None:
    assert {type(kept_or_asked(language, written)) for language in ("en", "sv", "de")} == {str}


def test_language_of_a_study_counts_where_the_interface_lacks_it() -> None:
    token = PAGE_LANGUAGE.set("it-IT")
    try:
        assert (kept_or_asked("en", "12,345"), type(kept_or_asked("en", "12.345"))) == (12.345, str)
    finally:
        PAGE_LANGUAGE.reset(token)


@pytest.mark.parametrize("language", ["en", "sv", "de"])
@pytest.mark.parametrize("kept", [12.345, 12_000.0, 0.5, 123_456.789])
def test_number_that_is_shown_again_is_read_as_the_same(language: str, kept: float) -> None:
    with override(language):
        item = made(type="number")
        assert item.checked(item.parts(Drawn("id", kept))["text"]) == kept


WRITTEN = json.loads((Path(__file__).parents[2] / "data" / "written-numbers.json").read_text())


@pytest.mark.parametrize("case", WRITTEN, ids=lambda case: f"{case['written']} {case['decimal']}")
def test_number_means_what_it_means_in_the_browser(case: dict[str, Any]) -> None:
    language = "de" if case["decimal"] == "," else "en"
    kept = kept_or_asked(language, case["written"], whole=not case["decimal"])
    assert (None if isinstance(kept, str) else kept) == case["expected"]


def test_text_is_kept_and_counted_in_its_composed_form() -> None:
    decomposed = normalize("NFD", "Malmö å")
    assert made(type="short_text", max_length=7).checked(decomposed) == "Malmö å"
    assert ITEMS["drink"].checked({"other": normalize("NFD", "öl")}) == {"other": "öl"}
