"""One answer of the server: its sound, its words and their times.

The protocol sends the text of an answer without its times. Unless the text arrives as it is said, the words share the
sounding part of their audio in proportion to their letters; until all of that has come, a typical rate of speech is
assumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from inference.contract.audio import SAMPLE_RATE_HZ, Float32, samples_to_ms
from inference.contract.wire import Metadata
from inference.engines.openai_realtime.fields import readable, text_of
from inference.engines.remote.playout import Playout

WORD_TIMING: Final = (
    "words share the sounding part of their audio in proportion to their letters; with Unmute a word begins when its "
    "text comes"
)
SILENCE_LEVEL: Final = 0.004  # about -48 dBFS
SAMPLES_PER_LETTER: Final = SAMPLE_RATE_HZ // 16
LONGEST_WORD_SAMPLES: Final = SAMPLE_RATE_HZ  # limit for a word whose end is not known
MAX_TEXT_CHARACTERS: Final = 4_000


@dataclass(frozen=True, slots=True)
class Word:
    """A word from `start` to `end`, in samples of its item's sound at 24 kHz."""

    text: str
    start: int
    end: int


@dataclass(slots=True)
class Item:
    """A stretch of speech, the protocol's conversation item. `received` counts samples at 24 kHz; the audible ones lie
    from `first` to `last`. `timed` holds words whose text came as they were said, with their start."""

    id: str
    content_index: int = 0
    text: str = ""
    received: int = 0
    first: int | None = None
    last: int = 0
    sound_done: bool = False
    text_done: bool = False
    told: int = 0  # number of words whose events are set
    timed: list[tuple[str, int]] = field(default_factory=list)

    def hear(self, pcm: Float32) -> None:
        """Takes the next part of the item's sound, float32 [n]."""
        sounding = np.flatnonzero(np.abs(pcm) > SILENCE_LEVEL)
        if len(sounding):
            if self.first is None:
                self.first = self.received + int(sounding[0])
            self.last = self.received + int(sounding[-1]) + 1
        self.received += len(pcm)

    def write(self, delta: str, *, timed: bool) -> None:
        """Takes the next part of the item's text; `timed` says that it arrives as it is said."""
        delta = readable(delta)
        if timed:
            self.timed += [(word, self.received) for word in delta.split()]
            delta = f" {delta}"
        self.text = (self.text + delta)[:MAX_TEXT_CHARACTERS]

    def words(self) -> list[Word]:
        """Returns all words known so far, with the best current estimate of their times."""
        if self.timed:
            following = [start for _, start in self.timed[1:]] + [self.received]
            return [
                Word(text, start, max(start + 1, min(end, start + LONGEST_WORD_SAMPLES)))
                for (text, start), end in zip(self.timed, following, strict=True)
            ]
        texts = self.text.split()
        letters = [max(1, sum(sign.isalnum() for sign in text)) for text in texts]
        total = sum(letters)
        begin, end = self.first or 0, max(self.last, (self.first or 0) + 1)
        if not (self.sound_done and self.text_done):
            end = max(end, begin + total * SAMPLES_PER_LETTER)
        words, passed = [], 0
        for text, count in zip(texts, letters, strict=True):
            start = begin + (end - begin) * passed // total
            passed += count
            words.append(Word(text, start, begin + (end - begin) * passed // total))
        return words


@dataclass(slots=True)
class Answer:
    """The protocol's response to turn `turn`. The step thread sets two fields: `said`, the first sample's place on the
    slot's clock, and `over`, once the last sample has been given to the step loop."""

    id: str
    turn: int
    items: dict[str, Item] = field(default_factory=dict)
    done: bool = False
    incomplete: str = ""  # the reason, when the server broke the answer off
    said: int | None = None
    over: bool = False

    @property
    def text(self) -> str:
        return " ".join(" ".join(item.text.split()) for item in self.items.values()).strip()

    @property
    def received(self) -> int:
        return sum(item.received for item in self.items.values())


@dataclass(slots=True)
class _Speech:
    turn: int
    start_ms: float
    end_ms: float | None = None


class Participant:
    """The participant's speech in one conversation. `skew` is the slot's clock minus the server's, in samples."""

    def __init__(self, playout: Playout) -> None:
        self.skew = 0
        self._playout = playout
        self._speeches: dict[str, _Speech] = {}  # by item, until their transcripts are told
        self._item = ""  # the last one
        self._pieces: list[str] = []  # pieces of text from a server that never sends whole transcripts

    def starts(self, event: Mapping[str, Any], turn: int) -> None:
        self._item = text_of(event, "item_id")
        speech = self._speeches[self._item] = _Speech(turn, self._slot_ms(event.get("audio_start_ms")))
        self._tell("turn", state="listening", turn=turn, start_ms=speech.start_ms)

    def stops(self, event: Mapping[str, Any], turn: int) -> None:
        end_ms = self._slot_ms(event.get("audio_end_ms"))
        if speech := self._speeches.get(text_of(event, "item_id") or self._item):
            speech.end_ms = end_ms
        self._tell("turn", state="thinking", turn=turn, end_ms=end_ms)

    def said(self, event: Mapping[str, Any], turn: int) -> None:
        """Tells the whole transcript of an item; `turn` is for an item whose beginning was never reported."""
        self._write_down(text_of(event, "item_id"), text_of(event, "transcript"), turn)

    def says(self, event: Mapping[str, Any]) -> None:
        """Keeps a piece of text until `answered` joins the pieces."""
        self._pieces.append(text_of(event, "delta"))

    def answered(self, turn: int) -> None:
        """Tells the transcript of what has been said so far, because the server answers it."""
        pieces, self._pieces = self._pieces, []
        self._write_down(self._item, " ".join(pieces), turn)

    def _write_down(self, item: str, text: str, turn: int) -> None:
        text = " ".join(readable(text).split())[:MAX_TEXT_CHARACTERS]
        if not text:
            return
        data: dict[str, Any] = {"role": "participant", "text": text, "raw_text": text, "turn": turn}
        if speech := self._speeches.pop(item, None):
            data |= {"turn": speech.turn, "start_ms": speech.start_ms}
            data |= {} if speech.end_ms is None else {"end_ms": speech.end_ms}
        self._tell("transcript", **data)

    def _slot_ms(self, server_ms: Any) -> float:
        """Converts the server's time, which counts the audio that it has heard, to the slot's; now if it gives none."""
        if isinstance(server_ms, int | float) and not isinstance(server_ms, bool) and abs(server_ms) < 1e9:
            return max(0.0, server_ms + samples_to_ms(self.skew))
        return samples_to_ms(self._playout.now)

    def _tell(self, event: str, **data: Any) -> None:
        self._playout.tell(Metadata(event, data))
