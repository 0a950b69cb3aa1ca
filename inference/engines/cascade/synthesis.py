"""Words to speech: hibari, one American English voice at 24 kHz, about 60 times faster than speech on one thread."""

from __future__ import annotations

from threading import Event
from typing import Final

import numpy as np
from hibari import Hibari

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from inference.engines.cascade.playout import Clause, Word
from inference.engines.cascade.sharing import ServedInTurn

WORD_TIMING: Final = (
    "words share the sounding part of their clause in proportion to their phonemes, or to their letters where "
    "phonemes and words do not line up; typically right to a tenth of a second"
)
SILENCE_LEVEL: Final = 0.004  # about -48 dBFS: below it a clause has not begun yet, or has ended
SENTENCE_PAUSE_SEC: Final = 0.22
CLAUSE_PAUSE_SEC: Final = 0.08


class Synthesiser:
    """Shared by all slots; about 0.05 s of CPU a clause."""

    def __init__(self) -> None:
        self._hibari = Hibari(threads=1)
        self._queue = ServedInTurn("synthesis")

    def __call__(self, text: str, seed: int, withdrawn: Event) -> Clause:
        """A clause of text -> its sound and words. Raises Withdrawn when that was set before its turn came."""
        return self._queue.call(withdrawn, self._speak, text, seed)

    def close(self) -> None:
        self._queue.close()

    def _speak(self, text: str, seed: int) -> Clause:
        sound = np.asarray(self._hibari(text, seed=seed), dtype=np.float32)
        sounding = np.flatnonzero(np.abs(sound) > SILENCE_LEVEL)
        if not len(sounding):
            return Clause(text, np.zeros(0, np.float32), ())
        start, end = int(sounding[0]), int(sounding[-1]) + 1
        pause_sec = SENTENCE_PAUSE_SEC if text.rstrip("\"'”’)")[-1:] in ".!?…" else CLAUSE_PAUSE_SEC
        # what synthesis itself left after the last sound is part of the pause
        pause = max(0, int(pause_sec * SAMPLE_RATE_HZ))
        pcm: Float32 = np.concatenate([sound[max(0, start - SAMPLE_RATE_HZ // 100) : end], np.zeros(pause, np.float32)])
        lead = min(start, SAMPLE_RATE_HZ // 100)
        return Clause(text, pcm, align(text, self._weights(text), lead, lead + end - start))

    def _weights(self, text: str) -> list[int]:
        """How long each word is, in phonemes where they can be told apart, else in letters."""
        words = text.split()
        phonemes = " ".join(self._hibari.phonemize(text)).split()
        lengths = [sum(phoneme.isalpha() for phoneme in word) for word in phonemes]
        if len(lengths) == len(words) and all(lengths):
            return lengths
        return [max(1, sum(letter.isalnum() for letter in word)) for word in words]


def align(text: str, weights: list[int], start: int, end: int) -> tuple[Word, ...]:
    """Shares `start` to `end`, in samples, among the words of `text` by their `weights`."""
    total = sum(weights)
    words = []
    passed = 0
    for word, weight in zip(text.split(), weights, strict=True):
        words.append(
            Word(word, start + (end - start) * passed // total, start + (end - start) * (passed + weight) // total)
        )
        passed += weight
    return tuple(words)
