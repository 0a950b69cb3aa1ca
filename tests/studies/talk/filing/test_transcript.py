"""Utterances from events."""

from __future__ import annotations

from typing import Any
from unicodedata import normalize

from studies.talk.filing.timeline import SlotClock
from studies.talk.filing.transcript import Spoken, utterances

CLOCK = SlotClock([0, 1_920, 3_840])


def words(text: str, start_ms: float, turn: int) -> dict[str, Any]:
    return {"event": "words", "text": text, "start_ms": start_ms, "end_ms": start_ms + 50, "turn": turn}


def transcript(role: str, text: str, turn: int, **more: Any) -> dict[str, Any]:
    return {"event": "transcript", "role": role, "text": text, "raw_text": f"{text}?", "turn": turn, **more}


def test_turn_with_both_sides() -> None:
    events = [
        transcript("participant", "hello", 1, start_ms=60, end_ms=100),
        words("hi", 110, 1),
        words("there", 170, 1),
        transcript("agent", "hi there", 1),
    ]
    assert utterances(events, CLOCK, latency_samples=240) == [
        Spoken("participant", 1, "hello", "hello?", 50, 90),
        Spoken("agent", 1, "hi there", "hi there?", 110, 220),
    ]


def test_words_without_transcript_are_what_was_said() -> None:
    events = [words("hi", 0, 1), words("the", 60, 1)]
    assert utterances(events, CLOCK, 0) == [Spoken("agent", 1, "hi the", "hi the", 0, 110)]


def test_words_keep_what_was_generated_as_it_was() -> None:
    events = [{**words("well", 0, 1), "raw_text": " well"}, {**words("...", 60, 1), "raw_text": "...\n"}]
    assert utterances(events, CLOCK, 0) == [Spoken("agent", 1, "well ...", " well...\n", 0, 110)]


def test_turns_of_an_engine_that_only_hears_have_one_side() -> None:
    events = [words("so", 0, 1), transcript("agent", "so", 1), words("yes", 100, 2)]
    assert [(said.role, said.turn, said.text) for said in utterances(events, CLOCK, 0)] == [
        ("agent", 1, "so"),
        ("agent", 2, "yes"),
    ]


def test_turn_that_was_discarded_and_never_spoken() -> None:
    events = [transcript("participant", "hm", 1), {"event": "turn", "state": "discarded", "turn": 1}]
    assert utterances(events, CLOCK, 0) == [
        Spoken("participant", 1, "hm", "hm?"),
        Spoken("agent", 1, discarded=True),
    ]


def test_turn_that_was_taken_back_and_then_spoken_is_not_discarded() -> None:
    events = [{"event": "turn", "state": "discarded", "turn": 1}, transcript("agent", "yes", 1)]
    assert utterances(events, CLOCK, 0) == [Spoken("agent", 1, "yes", "yes?")]


def test_events_that_say_nothing_are_passed_over() -> None:
    assert utterances([{"event": "turn", "state": "listening", "turn": 0}, {"event": "live"}, {}], CLOCK, 0) == []


def test_letters_are_kept_in_their_composed_form() -> None:
    said = normalize("NFD", "så här")
    events = [transcript("participant", said, 1), {**words(said, 0, 2), "raw_text": said}]
    assert [(row.text, row.raw_text) for row in utterances(events, CLOCK, 0)] == [
        ("så här", "så här?"),
        ("så här", "så här"),
    ]


def test_words_that_a_rule_gave_are_kept() -> None:
    events = [transcript("agent", "Oh no. What now?", 1, by_rule="Oh no.")]
    assert utterances(events, CLOCK, 0) == [
        Spoken("agent", 1, "Oh no. What now?", "Oh no. What now??", by_rule="Oh no.")
    ]


NOTICED = {"sounded": "laughing", "laughs": 1, "told": "They laugh.", "features": {"pitch_hz": None}}


def test_what_was_noticed_of_the_voice_stays_with_the_turn() -> None:
    events = [
        transcript("participant", "hello", 1),
        {"event": "noticed", "type": "noticed", "at_ms": 12.5, "turn": 1, **NOTICED},
        transcript("participant", "bye", 2),
    ]
    assert utterances(events, CLOCK, 0) == [
        Spoken("participant", 1, "hello", "hello?", noticed=NOTICED),
        Spoken("participant", 2, "bye", "bye?"),
    ]


def test_laugh_without_words_is_a_turn_without_text() -> None:
    events = [{"event": "noticed", "turn": 1, **NOTICED}, {"event": "turn", "state": "discarded", "turn": 1}]
    assert utterances(events, CLOCK, 0) == [
        Spoken("participant", 1, noticed=NOTICED),
        Spoken("agent", 1, discarded=True),
    ]
