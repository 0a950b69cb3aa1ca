"""What one turn measures. Each feature is declared with its unit and method, and has no value where it cannot be
measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from inference.contract.audio import Float32
from inference.engines.cascade.hearing.vad import RATE_HZ
from inference.engines.cascade.hearing.voice.frames import FAINTEST_DBFS, HOP_SEC, Float64, Frames, smooth

SPEECH_BELOW_LOUDEST_DB: Final = 25.0  # De Jong & Wempe 2009
SPEECH_ABOVE_BACKGROUND_DB: Final = 6.0
BACKGROUND_PERCENTILE: Final = 5
LONGEST_PAUSE_FRAMES: Final = 25  # a longer pause is no part of speaking time
NUCLEUS_DIP_DB: Final = 2.0  # De Jong & Wempe 2009
LEAST_VOICED_SEC: Final = 0.3
LEAST_SPEAKING_SEC: Final = 0.8
LONGEST_TURN_SEC: Final = 15.0  # of a longer turn only the end is measured


@dataclass(frozen=True, slots=True)
class Method:
    """How a feature is measured."""

    unit: str
    about: str


FEATURES: Final[Mapping[str, Method]] = {
    "level_db": Method("dBFS", "RMS above 150 Hz over the turn's speech"),
    "pitch_hz": Method("Hz", "Median of voiced frames; autocorrelation, 65 to 600 Hz"),
    "pitch_range_semitones": Method("st", "10th to 90th percentile of voiced frames"),
    "rate_per_sec": Method("syllables/s", "Voiced peaks of the level after dips of 2 dB, over speaking time"),
    "bright_db": Method("dB", "Level of voiced frames above 1 kHz relative to that from 150 Hz to 1 kHz"),
}
Features = Mapping[str, float | None]
"""A value for each of FEATURES, None where there is too little speech to measure it."""


def last_part(turn: Float32) -> Float32:
    """Returns what is measured of a turn."""
    return turn[-int(LONGEST_TURN_SEC * RATE_HZ) :]


def features(frames: Frames, is_sound: npt.NDArray[np.bool_] | None = None) -> Features:
    """Measures one turn. Frames of a laugh or a sigh, for which `is_sound` is True, are left out."""
    level_db = smooth(frames.level_db, 3)
    background_db, loudest_db = np.percentile(level_db, [BACKGROUND_PERCENTILE, 99])
    speech = level_db > max(
        loudest_db - SPEECH_BELOW_LOUDEST_DB, background_db + SPEECH_ABOVE_BACKGROUND_DB, FAINTEST_DBFS
    )
    if is_sound is not None:
        speech &= ~is_sound
    voiced = speech & frames.voiced
    measured: dict[str, float | None] = dict.fromkeys(FEATURES)
    if np.count_nonzero(voiced) * HOP_SEC < LEAST_VOICED_SEC:
        return measured
    low_hz, median_hz, high_hz = np.percentile(frames.pitch_hz[voiced], [10, 50, 90])
    measured["level_db"] = float(10 * np.log10(np.mean(10 ** (frames.level_db[speech] / 10))))
    measured["pitch_hz"] = float(median_hz)
    measured["pitch_range_semitones"] = float(12 * np.log2(high_hz / low_hz))
    measured["bright_db"] = float(np.median(frames.bright_db[voiced]))
    speaking_sec = _speaking_frames(speech) * HOP_SEC
    if speaking_sec >= LEAST_SPEAKING_SEC:
        measured["rate_per_sec"] = _syllables(level_db, voiced) / speaking_sec
    return measured


def reference(earlier: Sequence[Features]) -> Features:
    """Returns the median of each feature over a speaker's earlier turns."""
    found: dict[str, float | None] = {}
    for name in FEATURES:
        values = [value for turn in earlier if (value := turn[name]) is not None]
        found[name] = float(np.median(values)) if values else None
    return found


def _speaking_frames(speech: npt.NDArray[np.bool_]) -> int:
    """Returns how many frames speech takes, with its short pauses."""
    places = np.flatnonzero(speech)
    steps = np.diff(places)
    return 1 + int(steps[steps <= LONGEST_PAUSE_FRAMES].sum()) + int(np.count_nonzero(steps > LONGEST_PAUSE_FRAMES))


def _syllables(level_db: Float64, voiced: npt.NDArray[np.bool_]) -> int:
    """Counts voiced peaks of the level, each after a dip of NUCLEUS_DIP_DB."""
    inner = level_db[1:-1]
    peaks = np.flatnonzero((inner > level_db[:-2]) & (inner >= level_db[2:])) + 1
    nuclei: list[int] = []
    for peak in peaks[voiced[peaks]].tolist():
        if (
            not nuclei
            or min(level_db[nuclei[-1]], level_db[peak]) - level_db[nuclei[-1] : peak].min() >= NUCLEUS_DIP_DB
        ):
            nuclei.append(peak)
        elif level_db[peak] > level_db[nuclei[-1]]:
            nuclei[-1] = peak
    return len(nuclei)
