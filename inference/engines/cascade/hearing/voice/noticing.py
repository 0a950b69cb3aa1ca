"""Features and sounds in plain words. What is loud, high or fast is so relative to the same speaker's earlier turns; in
the first turn, nothing of that is said."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from inference.contract.audio import Float32
from inference.contract.options.cascade_voice import VoiceOptions
from inference.engines.cascade.hearing.voice.features import FEATURES, Features, features, last_part, reference
from inference.engines.cascade.hearing.voice.frames import HOP_SAMPLES, HOP_SEC, analyse
from inference.engines.cascade.hearing.voice.laughs import Sound, laughs
from inference.engines.cascade.hearing.voice.sighs import sighs

WORDS: Final = (
    "laughing",
    "sighing",
    "deep voice",
    "high voice",
    "tense",
    "calm",
    "loud",
    "soft",
    "high",
    "low",
    "fast",
    "slow",
    "lively",
    "flat",
)
"""Everything that can be noticed, the most telling first."""
EDGE_FRAMES: Final = 12  # a laugh is marked from its first peak to its last; its bursts reach further
FIRST_TURN: Final = "There is no earlier turn of this speaker to compare with."
TOO_LITTLE: Final = "There is too little speech in this turn to measure."


@dataclass(frozen=True, slots=True)
class Noticed:
    """How one turn sounded.

    `words` are among WORDS and in their order. `compared_with` is how many earlier turns the comparison had; where
    there was none, `why_not_compared` says why. `laughs` and `sighs` are the number of each, also shortly before the
    turn's first word."""

    words: tuple[str, ...]
    features: Features
    differences: Features
    compared_with: int
    why_not_compared: str
    laughs: int
    sighs: int

    def record(self) -> dict[str, Any]:
        """Returns what the take keeps of it, rounded."""
        return {
            "sounded": ", ".join(self.words),
            "laughs": self.laughs,
            "sighs": self.sighs,
            "features": _rounded(self.features),
            "differences": _rounded(self.differences),
            "compared_with_turns": self.compared_with,
            "why_not_compared": self.why_not_compared,
        }


def notice(before: Float32, turn: Float32, earlier: Sequence[Features], options: VoiceOptions) -> Noticed:
    """Says how a turn sounded. `before` is what was heard shortly before it; both are float32 [n] at 16 kHz."""
    measured_part = last_part(turn)
    if len(measured_part) < len(turn):  # what came before does not join on to it
        before = before[:0]
    turn = measured_part
    if len(turn) < 3 * HOP_SAMPLES:
        turn = np.pad(turn, (0, 3 * HOP_SAMPLES - len(turn)))
    frames = analyse(np.concatenate([before, turn]))
    laughed = laughs(frames, options)
    sighed = [sigh for sigh in sighs(frames, options) if not any(_overlap(sigh, laugh) for laugh in laughed)]
    turn_frames = len(turn) // HOP_SAMPLES
    measured = features(frames.last(turn_frames), _mark([*laughed, *sighed], len(frames.level_db))[-turn_frames:])
    differences: Features = dict.fromkeys(FEATURES)
    why_not = ""
    if all(value is None for value in measured.values()):
        why_not = TOO_LITTLE
    elif len(earlier) < options.reference_turns:
        why_not = FIRST_TURN if not earlier else f"There are fewer than {options.reference_turns} earlier turns."
    else:
        differences = _differences(measured, reference(earlier))
    found = {
        *(["laughing"] if laughed else []),
        *(["sighing"] if sighed else []),
        *_range(measured, options),
        *_register(measured, options),
        *_compared(differences, options),
    }
    return Noticed(
        words=tuple(word for word in WORDS if word in found),
        features=measured,
        differences=differences,
        compared_with=0 if why_not else len(earlier),
        why_not_compared=why_not,
        laughs=len(laughed),
        sighs=len(sighed),
    )


def _differences(measured: Features, usual: Features) -> Features:
    """Returns by how much a turn differs from the usual: levels in dB, pitch in semitones, the rate as a ratio."""
    found: dict[str, float | None] = {}
    for name, value in measured.items():
        before = usual[name]
        if value is None or before is None:
            found[name] = None
        elif name == "pitch_hz":
            found[name] = 12 * math.log2(value / before)
        elif name == "rate_per_sec":
            found[name] = value / before if before else None
        else:
            found[name] = value - before
    return found


def _range(measured: Features, options: VoiceOptions) -> Iterator[str]:
    spread = measured["pitch_range_semitones"]
    if spread is not None and spread < options.flat_semitones:
        yield "flat"
    if spread is not None and spread > options.lively_semitones:
        yield "lively"


def _register(measured: Features, options: VoiceOptions) -> Iterator[str]:
    pitch_hz = measured["pitch_hz"]
    if not options.tell_register or pitch_hz is None:
        return
    if pitch_hz < options.deep_voice_hz:
        yield "deep voice"
    elif pitch_hz > options.high_voice_hz:
        yield "high voice"


def _compared(differences: Features, options: VoiceOptions) -> Iterator[str]:
    signs = {
        ("loud", "soft"): _sign(differences["level_db"], options.loudness_db),
        ("high", "low"): _sign(differences["pitch_hz"], options.pitch_semitones),
        ("fast", "slow"): _sign(_log(differences["rate_per_sec"]), math.log(options.rate_ratio)),
        ("", ""): _sign(differences["bright_db"], options.brightness_db),
    }
    for (more, less), sign in signs.items():
        if sign and more:
            yield more if sign > 0 else less
    more_tense = sum(sign > 0 for sign in signs.values())
    less_tense = sum(sign < 0 for sign in signs.values())
    if more_tense >= options.tension_signs and not less_tense:
        yield "tense"
    if less_tense >= options.tension_signs and not more_tense:
        yield "calm"


def _log(ratio: float | None) -> float | None:
    return math.log(ratio) if ratio else None


def _sign(difference: float | None, threshold: float) -> int:
    if difference is None or abs(difference) < threshold:
        return 0
    return 1 if difference > 0 else -1


def _overlap(one: Sound, other: Sound) -> bool:
    return one.start_sec < other.end_sec and other.start_sec < one.end_sec


def _mark(sounds: Sequence[Sound], frames: int) -> npt.NDArray[np.bool_]:
    """Returns which frames lie within a sound, [frames]."""
    marked = np.zeros(frames, np.bool_)
    for sound in sounds:
        marked[
            max(0, round(sound.start_sec / HOP_SEC) - EDGE_FRAMES) : round(sound.end_sec / HOP_SEC) + EDGE_FRAMES
        ] = True
    return marked


def _rounded(values: Features) -> dict[str, float | None]:
    return {name: None if value is None else round(value, 2) for name, value in values.items()}
