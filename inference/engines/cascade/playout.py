"""The agent's pending speech and its progress: clauses go in, frames and words come out."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from inference.contract.audio import SAMPLE_RATE_HZ, Float32

FADE_SAMPLES: Final = SAMPLE_RATE_HZ // 50  # 20 ms: how an interrupted voice stops


@dataclass(frozen=True, slots=True)
class Word:
    """From `start` to `end`, in samples at 24 kHz, counted from the clause's first sample or, once it has sounded,
    from the slot's first frame."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of the answer ready to sound. `pcm` float32 [n] at 24 kHz, with the pause that follows it."""

    text: str
    pcm: Float32
    words: tuple[Word, ...]


class Playout:
    """The agent's voice on one slot's clock. A word counts as spoken when half of it has sounded."""

    def __init__(self) -> None:
        self.spoken: list[Word] = []  # words of the current answer
        self._clauses: deque[Clause] = deque()
        self._place = 0  # position in the first clause
        self._begun = 0  # number of its words that have begun

    @property
    def empty(self) -> bool:
        return not self._clauses

    def add(self, clause: Clause) -> None:
        self._clauses.append(clause)

    def start_answer(self) -> None:
        """Forgets the last answer."""
        self.spoken = []

    def take(self, samples: int, now: int) -> tuple[Float32, list[Word]]:
        """The next `samples` of sound, silence when there is nothing to say, and the words that begin in them.

        `now` is the first sample's place on the slot's clock."""
        pcm = np.zeros(samples, np.float32)
        words = []
        filled = 0
        while self._clauses and filled < samples:
            clause = self._clauses[0]
            part = clause.pcm[self._place : self._place + samples - filled]
            pcm[filled : filled + len(part)] = part
            origin = now + filled - self._place
            self._place += len(part)
            filled += len(part)
            while self._begun < len(clause.words) and clause.words[self._begun].start < self._place:
                word = clause.words[self._begun]
                words.append(Word(word.text, origin + word.start, origin + word.end))
                self._begun += 1
            if self._place >= len(clause.pcm):
                self._clauses.popleft()
                self._place = self._begun = 0
        self.spoken += words
        return pcm, words

    def stop(self, now: int) -> Float32:
        """The participant took the floor at `now`: forget the rest. Returns the fade-out, float32 [<= FADE_SAMPLES].

        A word that had not got half way is taken out of `spoken`; the last one ends where the fade does."""
        fade = np.zeros(0, np.float32)
        if self._clauses:
            fade = self._clauses[0].pcm[self._place : self._place + FADE_SAMPLES].copy()
            fade *= np.linspace(1.0, 0.0, len(fade), dtype=np.float32)
        end = now + len(fade)
        self._clauses.clear()
        self._place = self._begun = 0
        if self.spoken and (self.spoken[-1].start + self.spoken[-1].end) // 2 > end:
            self.spoken.pop()
        if self.spoken and self.spoken[-1].end > end:
            last = self.spoken[-1]
            self.spoken[-1] = Word(last.text, last.start, end)
        return fade
