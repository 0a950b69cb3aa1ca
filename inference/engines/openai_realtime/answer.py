"""One answer of the server: its sound, its words and their times.

The protocol sends the text of what is said, but not when. Where it does not come at its time, the words share the
sounding part of their sound in proportion to their letters; while that still comes, a usual rate of speech stands in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from inference.engines.openai_realtime.fields import readable

WORD_TIMING: Final = (
    "words share the sounding part of their audio in proportion to their letters; with Unmute a word begins when its "
    "text comes"
)
SILENCE_LEVEL: Final = 0.004  # about -48 dBFS
SAMPLES_PER_LETTER: Final = SAMPLE_RATE_HZ // 16
LONGEST_WORD_SAMPLES: Final = SAMPLE_RATE_HZ  # of one whose end is not known
MAX_TEXT_CHARACTERS: Final = 4_000


@dataclass(frozen=True, slots=True)
class Word:
    """From `start` to `end`, samples of its item's sound at 24 kHz."""

    text: str
    start: int
    end: int


@dataclass(slots=True)
class Item:
    """A stretch of speech: the protocol's conversation item. `received` counts samples at 24 kHz; the sounding ones lie
    from `first` to `last`. `timed` holds words whose text came at its time, with their start."""

    id: str
    content_index: int = 0
    text: str = ""
    received: int = 0
    first: int | None = None
    last: int = 0
    sound_done: bool = False
    text_done: bool = False
    told: int = 0  # words whose events are set
    timed: list[tuple[str, int]] = field(default_factory=list)

    def hear(self, pcm: Float32) -> None:
        """float32 [n], the next of its sound."""
        sounding = np.flatnonzero(np.abs(pcm) > SILENCE_LEVEL)
        if len(sounding):
            if self.first is None:
                self.first = self.received + int(sounding[0])
            self.last = self.received + int(sounding[-1]) + 1
        self.received += len(pcm)

    def write(self, delta: str, *, timed: bool) -> None:
        """The next of its text."""
        delta = readable(delta)
        if timed:
            self.timed += [(word, self.received) for word in delta.split()]
            delta = f" {delta}"
        self.text = (self.text + delta)[:MAX_TEXT_CHARACTERS]

    def words(self) -> list[Word]:
        """All that are known, with the best guess at their times so far."""
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
    """The protocol's response, to turn `turn`. `said` is the slot's time of the first sample, `over` is set when the
    last one has been given to the step loop: those two are the step thread's."""

    id: str
    turn: int
    items: dict[str, Item] = field(default_factory=dict)
    done: bool = False
    incomplete: str = ""  # why, when the server broke it off
    said: int | None = None
    over: bool = False

    @property
    def text(self) -> str:
        return " ".join(" ".join(item.text.split()) for item in self.items.values()).strip()

    @property
    def received(self) -> int:
        return sum(item.received for item in self.items.values())
