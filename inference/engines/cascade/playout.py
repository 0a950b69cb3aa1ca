"""The agent's pending speech and its progress: clauses go in, frames and words come out."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Final

import numpy as np
from hibari import Hibari

from inference.contract.audio import SAMPLE_RATE_HZ, UPLINK_SAMPLES, Float32
from inference.engines.cascade.agent_voices import HEART, AgentVoice
from inference.engines.cascade.sharing import ServedInTurn
from inference.voices.psola import PsolaStream

FADE_SAMPLES: Final = SAMPLE_RATE_HZ // 50  # 20 ms, over which an interrupted voice fades out
WORD_TIMING: Final = (
    "words share the sounding part of their clause in proportion to their phonemes, or to their letters where "
    "phonemes and words do not line up; typically right to a tenth of a second"
)
SILENCE_LEVEL: Final = 0.004  # about -48 dBFS; quieter sound at either end of a clause is silence
SENTENCE_PAUSE_SEC: Final = 0.22
CLAUSE_PAUSE_SEC: Final = 0.08


@dataclass(frozen=True, slots=True)
class Word:
    """A word from `start` to `end`, in samples at 24 kHz: counted from the clause's first sample or, once it has
    sounded, from the slot's first frame."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Clause:
    """A synthesised piece of the answer. `pcm` is float32 [n] at 24 kHz and includes the pause that follows."""

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
        """Forgets the words of the last answer."""
        self.spoken = []

    def take(self, samples: int, now: int) -> tuple[Float32, list[Word]]:
        """Returns the next `samples` of sound, filled up with silence, and the words that begin in them.

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
        """Drops the rest because the participant took the floor at `now`.

        Returns the fade-out, float32 [<= FADE_SAMPLES]. A word of which less than half has sounded is removed from
        `spoken`; the last one ends where the fade does."""
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


class Synthesiser:
    """The speech synthesis of all slots in one voice; about 0.05 s of CPU time per clause."""

    def __init__(self, voice: AgentVoice = HEART, model: Path | None = None) -> None:
        """`model` is the file of a voice that is not in the package."""
        self._voice = voice
        self._hibari = Hibari(voice.synthetic, model=str(model) if model else None, threads=1)
        self._queue = ServedInTurn("synthesis")

    def __call__(self, text: str, seed: int, withdrawn: Event) -> Clause:
        """Synthesises a clause of text. Raises Withdrawn when `withdrawn` was set before its turn came."""
        return self._queue.call(withdrawn, self._speak, text, seed)

    def close(self) -> None:
        self._queue.close()

    def _speak(self, text: str, seed: int) -> Clause:
        sound = self._in_voice(np.asarray(self._hibari(text, seed=seed), dtype=np.float32), seed)
        sounding = np.flatnonzero(np.abs(sound) > SILENCE_LEVEL)
        if not len(sounding):
            return Clause(text, np.zeros(0, np.float32), ())
        start, end = int(sounding[0]), int(sounding[-1]) + 1
        pause_sec = SENTENCE_PAUSE_SEC if text.rstrip("\"'”’)")[-1:] in ".!?…" else CLAUSE_PAUSE_SEC
        # this replaces the silence that the synthesis itself leaves after the last sound
        pause = max(0, int(pause_sec * SAMPLE_RATE_HZ))
        pcm: Float32 = np.concatenate([sound[max(0, start - SAMPLE_RATE_HZ // 100) : end], np.zeros(pause, np.float32)])
        lead = min(start, SAMPLE_RATE_HZ // 100)
        return Clause(text, pcm, align(text, self._weights(text), lead, lead + end - start))

    def _in_voice(self, sound: Float32, seed: int) -> Float32:
        """Changes the synthetic voice into the agent's, where these differ; float32 [n] -> float32 [n]."""
        if not self._voice.transform:
            return sound
        stream = PsolaStream(self._voice.transform, seed)
        late = stream.latency_samples
        padded = np.pad(sound, (0, late + -(len(sound) + late) % UPLINK_SAMPLES))
        blocks = [stream.push(block) for block in padded.reshape(-1, UPLINK_SAMPLES)]
        return np.concatenate(blocks)[late : late + len(sound)]

    def _weights(self, text: str) -> list[int]:
        """Returns each word's length, in phonemes where these can be assigned to words, otherwise in letters."""
        words = text.split()
        phonemes = " ".join(self._hibari.phonemize(text)).split()
        lengths = [sum(phoneme.isalpha() for phoneme in word) for word in phonemes]
        if len(lengths) == len(words) and all(lengths):
            return lengths
        return [max(1, sum(letter.isalnum() for letter in word)) for word in words]


def align(text: str, weights: list[int], start: int, end: int) -> tuple[Word, ...]:
    """Divides `start` to `end`, in samples, among the words of `text` in proportion to their `weights`."""
    total = sum(weights)
    words = []
    passed = 0
    for word, weight in zip(text.split(), weights, strict=True):
        words.append(
            Word(word, start + (end - start) * passed // total, start + (end - start) * (passed + weight) // total)
        )
        passed += weight
    return tuple(words)
