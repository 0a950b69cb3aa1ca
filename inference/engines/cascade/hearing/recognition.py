"""Speech recognition: Whisper (CTranslate2, int8) over a short window.

Whisper pads everything to 30 s, at the cost of 30 s. Here the window is the speech plus 3 s, for a fifth of the cost at
the same word error rate (pads of 1 to 2 s make it invent words). A doubtful result is decoded again at the full 30 s.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Final

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer

from inference.contract.audio import Float32
from inference.engines.cascade.hearing.vad import RATE_HZ
from inference.engines.cascade.sharing import ServedInTurn

WINDOW_SEC: Final = 30.0
PAD_SEC: Final = 3.0
SEGMENT_SEC: Final = 25.0  # a longer turn is recognised in pieces of about this length
FRAMES_PER_SEC: Final = 100  # of Whisper's log-mel
DOUBTFUL_SCORE: Final = -1.2
NO_SPEECH_PROBABILITY: Final = 0.85  # above it the audio counts as without words, whatever the decoder produced


@dataclass(frozen=True, slots=True)
class Recognition:
    """Recognised speech. `score` is the mean log-probability of a token; `no_speech_probability` is Whisper's own."""

    text: str
    score: float
    no_speech_probability: float

    @property
    def is_speech(self) -> bool:
        return self.no_speech_probability <= NO_SPEECH_PROBABILITY and any(letter.isalnum() for letter in self.text)


class Recogniser:
    """The recogniser of all slots; about 0.4 s of CPU time for a question."""

    def __init__(self, folder: Path, *, threads: int) -> None:
        self._whisper = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=threads)
        self._tokenizer = Tokenizer(self._whisper.hf_tokenizer, True, task="transcribe", language="en")
        self._prompt = [*self._tokenizer.sot_sequence, self._tokenizer.no_timestamps]
        self._queue = ServedInTurn("recognition")

    def __call__(self, speech: Float32, withdrawn: Event) -> Recognition:
        """Recognises float32 [n] at 16 kHz, at most WINDOW_SEC.

        Raises Withdrawn when `withdrawn` was set before its turn came."""
        return self._queue.call(withdrawn, self._recognise, speech)

    def close(self) -> None:
        self._queue.close()

    def _recognise(self, speech: Float32) -> Recognition:
        window_sec = min(WINDOW_SEC, len(speech) / RATE_HZ + PAD_SEC)
        found = self._decode(speech, window_sec)
        if window_sec < WINDOW_SEC and (found.score < DOUBTFUL_SCORE or repeats(found.text)):
            return self._decode(speech, WINDOW_SEC)
        return found

    def _decode(self, speech: Float32, window_sec: float) -> Recognition:
        frames = int(window_sec * FRAMES_PER_SEC) // 2 * 2  # the encoder halves them
        samples = frames * RATE_HZ // FRAMES_PER_SEC
        padded = np.pad(speech[:samples], (0, max(0, samples - len(speech))))
        features = self._whisper.feature_extractor(padded, padding=0)[:, :frames]
        encoded = self._whisper.model.encode(
            ctranslate2.StorageView.from_array(np.ascontiguousarray(features[None], dtype=np.float32))
        )
        (result,) = self._whisper.model.generate(
            encoded,
            [self._prompt],
            beam_size=1,
            max_length=16 + 8 * len(speech) // RATE_HZ,  # speech has fewer than 8 tokens per second
            return_scores=True,
            return_no_speech_prob=True,
        )
        words = [token for token in result.sequences_ids[0] if token < self._tokenizer.eot]
        return Recognition(self._tokenizer.decode(words).strip(), float(result.scores[0]), float(result.no_speech_prob))


def repeats(text: str) -> bool:
    """Returns whether the decoder got caught in a loop: few different words among many."""
    words = text.lower().split()
    return len(words) > 6 and len(set(words)) < len(words) / 2.5


def segments(speech: Float32) -> list[Float32]:
    """Cuts a long turn, float32 [n] at 16 kHz, at quiet places into pieces of at most SEGMENT_SEC.

    A cut depends only on the audio before and around it, so a turn that goes on keeps its first pieces."""
    pieces = []
    longest, search = int(SEGMENT_SEC * RATE_HZ), int(5.0 * RATE_HZ)
    block = RATE_HZ // 10
    while len(speech) > longest:
        tail = speech[longest - search : longest].reshape(-1, block)
        quietest = int(np.argmin(np.square(tail).mean(axis=1)))
        cut = longest - search + quietest * block + block // 2
        pieces.append(speech[:cut])
        speech = speech[cut:]
    return [*pieces, speech]
