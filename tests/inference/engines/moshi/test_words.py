"""Words, turns and transcripts from tokens, one for every 80 ms."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from inference.contract.wire import MAX_JSON_BYTES, Metadata, decode, encode
from inference.engines.moshi.words import MAX_STRETCH_BYTES, Monologue, Vocabulary

PIECES = [
    "<unk>",
    "<s>",
    "</s>",
    "<pad>",
    "▁Hel",
    "lo",
    "▁world",
    ".",
    "▁",
    "<0xE2>",
    "<0x82>",
    "<0xAC>",
    "▁5",
    "▁U",
    "S",
    "<0x00>",
    ",",
    "▁to▁me",
]
PAD, END = 3, 0


@dataclass
class Tokenizer:
    """A sentencepiece processor of the pieces above."""

    pieces: Sequence[str]

    def vocab_size(self) -> int:
        return len(self.pieces)

    def id_to_piece(self, id: int) -> str:
        return self.pieces[id]

    def is_control(self, id: int) -> bool:
        return self.pieces[id] in {"<s>", "</s>", "<pad>"}

    def is_unknown(self, id: int) -> bool:
        return self.pieces[id] == "<unk>"

    def is_unused(self, id: int) -> bool:
        return False

    def is_byte(self, id: int) -> bool:
        return self.pieces[id].startswith("<0x")


VOCABULARY = Vocabulary.of(Tokenizer(PIECES), pause=PAD, end_of_pause=END)


def tokens(text: str) -> list[int]:
    """Pieces with spaces between; `_` is a pause, `^` its end."""
    return [{"_": PAD, "^": END}.get(name, PIECES.index(name) if name in PIECES else -1) for name in text.split()]


def hear(script: str, monologue: Monologue | None = None) -> list[tuple[int, Metadata]]:
    """(step, event)"""
    monologue = monologue or Monologue(VOCABULARY)
    return [(step, event) for step, token in enumerate(tokens(script)) for event in monologue.step(token)]


def words(script: str) -> list[tuple[str, int, int]]:
    """(text, start, end) in steps"""
    found = [event.data for _, event in hear(script) if event.event == "words"]
    return [(data["text"], data["start_ms"] // 80, data["end_ms"] // 80) for data in found]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("_ ▁Hel lo _ ▁world _ _ _", [("Hello", 1, 4), ("world", 4, 8)]),
        ("▁Hel lo ▁world _ _ _", [("Hello", 0, 2), ("world", 2, 6)]),
        ("▁Hel _ _ lo _ _ _", [("Hello", 0, 7)]),  # a short pause is within a word
        ("▁Hel lo ^ ▁world ^", [("Hello", 0, 3), ("world", 3, 5)]),
        ("▁world . _", [("world.", 0, 3)]),  # no need to wait on
        ("▁world , _", [("world,", 0, 3)]),
        ("▁U . S . _", [("U.S.", 0, 5)]),
        ("lo _ _ _", [("lo", 0, 4)]),  # no space before the first
        ("▁5 <0xE2> <0x82> <0xAC> _ _ _", [("5€", 0, 7)]),
        ("▁ <0xE2> _ <0x82> <0xAC> ^", [("€", 0, 6)]),
        ("▁5 <0xE2> <0x82> _ _ _", [("5\ufffd", 0, 6)]),
        ("▁5 <0x00> S ^", [("5 S", 0, 4)]),  # no text field takes a NUL
        ("▁to▁me ^", [("to me", 0, 2)]),
        ("▁ ▁ ▁Hel lo ^", [("Hello", 2, 5)]),
        ("</s> <s> <unk> _ _ _ _", []),
        ("nonsense ▁Hel lo nonsense ^", [("Hello", 1, 5)]),
        ("▁Hel lo", []),  # not complete yet
    ],
)
def test_words(script: str, expected: list[tuple[str, int, int]]) -> None:
    assert words(script) == expected


def test_word_is_told_when_the_next_begins() -> None:
    steps = [step for step, event in hear("▁Hel lo _ ▁world _ _ _ _") if event.event == "words"]
    assert steps == [3, 6]


def test_turns_and_transcripts() -> None:
    """A turn is what is said without a pause of 800 ms."""
    script = "_ ▁Hel lo ▁world . " + "_ " * 12 + "▁5 " + "_ " * 9 + "▁U " + "_ " * 10
    told = [
        (step, event.event, event.data.get("state") or event.data.get("text"), event.data["turn"])
        for step, event in hear(script)
    ]
    assert told == [
        (1, "turn", "speaking", 1),
        (3, "words", "Hello", 1),
        (5, "words", "world.", 1),
        (14, "transcript", "Hello world.", 1),
        (14, "turn", "listening", 1),
        (17, "turn", "speaking", 2),
        (20, "words", "5", 2),
        (30, "words", "U", 2),
        (37, "transcript", "5 U", 2),
        (37, "turn", "listening", 2),
    ]


def test_transcript_has_role_and_times() -> None:
    transcript = next(event.data for _, event in hear("_ _ ▁Hel lo . " + "_ " * 10) if event.event == "transcript")
    assert transcript == {
        "role": "agent",
        "text": "Hello.",
        "raw_text": " Hello.",
        "turn": 1,
        "start_ms": 160,
        "end_ms": 480,
    }


def test_raw_texts_add_up_to_what_the_package_prints() -> None:
    script = "▁Hel lo ^ ▁world . _ S _ _ _ ▁5"
    raw = "".join(event.data["raw_text"] for _, event in hear(script + " ^") if event.event == "words")
    assert raw == " Hello world.S 5"


@pytest.mark.parametrize("piece", ["▁Hel", "lo", "<0xE2>"])
def test_endless_speech_fits_into_events(piece: str) -> None:
    """Spaces, none, bytes that are no text: who never pauses makes events that the wire takes."""
    events = [event for _, event in hear(f"{piece} " * 5_000)]
    assert max(len(encode(event)) for event in events) < MAX_JSON_BYTES
    transcripts = [event.data for event in events if event.event == "transcript"]
    assert len(transcripts) > 1
    assert [data["turn"] for data in transcripts] == list(range(1, len(transcripts) + 1))
    assert max(len(data["text"]) for data in transcripts) < 2 * MAX_STRETCH_BYTES


def test_events_are_of_the_protocol() -> None:
    for _, event in hear("▁Hel lo ▁5 <0xE2> ^ ▁world . " + "_ " * 12):
        assert decode(encode(event)) == event


def test_steps_before_the_first_token_count() -> None:
    monologue = Monologue(VOCABULARY)
    assert monologue.step(None) == []
    events = hear("▁Hel lo ^", monologue)
    assert [event.data["start_ms"] for _, event in events] == [80, 80]


@pytest.mark.parametrize("at", [1, 2, 3, 8, 9])
def test_state_goes_on_anywhere(at: int) -> None:
    script = tokens("▁Hel lo ^ ▁5 <0xE2> <0x82> <0xAC> . _ ▁world " + "_ " * 12)
    whole, first, second = (Monologue(VOCABULARY) for _ in range(3))
    expected = [event for token in script for event in whole.step(token)]
    events = [event for token in script[:at] for event in first.step(token)]
    second.restore(json.loads(json.dumps(first.state())))
    events += [event for token in script[at:] for event in second.step(token)]
    assert events == expected


@pytest.mark.parametrize(
    "change", [{"_step": "1"}, {"_word": 5}, {"_word": "no hexadecimal"}, {"_speaking": 1}, {"more": 1}]
)
def test_state_of_something_else_is_refused(change: dict[str, Any]) -> None:
    monologue = Monologue(VOCABULARY)
    with pytest.raises(ValueError):
        monologue.restore({**monologue.state(), **change})
    assert monologue.state() == Monologue(VOCABULARY).state()
