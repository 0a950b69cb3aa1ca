"""Finds when somebody speaks, by energy, and how fast, by the intensity peaks of syllable nuclei."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from studies.errors import Unmeasurable
from studies.insights.measurement import Method
from studies.insights.pitch import HOP_SAMPLES, Contour

SPEAKING_TIME = Method("speaking_time_sec", "s", "Time above an energy threshold, gaps under 250 ms included")
ARTICULATION_RATE = Method(
    "articulation_rate", "syllables/s", "Syllable nuclei (De Jong & Wempe 2009) over speaking time"
)
SPEECH_RATE = Method(
    "speech_rate", "syllables/s", "Syllable nuclei (De Jong & Wempe 2009) over speaking time and pauses"
)

BELOW_LOUDEST_DB = 25.0  # De Jong & Wempe 2009
ABOVE_BACKGROUND_DB = 6.0
QUIETEST_DBFS = -55.0
LEAST_CONTRAST_DB = 12.0  # between the loudest part and the background; with less there is no speech
LEAST_PAUSE_SAMPLES = SAMPLE_RATE_HZ // 4
LEAST_STRETCH_SAMPLES = SAMPLE_RATE_HZ * 60 // 1_000  # anything shorter is a click
LEAST_RATED_SEC = 0.5

INTENSITY_WINDOW_SAMPLES = SAMPLE_RATE_HZ * 64 // 1_000  # Praat's for a pitch floor of 50 Hz
LEAST_DIP_DB = 2.0
_SILENT_DB = -120.0

Float64 = npt.NDArray[np.float64]


class Stretch(NamedTuple):
    """The samples from `start` to `end`, which is exclusive."""

    start: int
    end: int


def speech_stretches(samples: Float32) -> list[Stretch]:
    """Returns stretches of speech in order, at least LEAST_PAUSE_SAMPLES apart; none in silence or steady noise."""
    level_db = _frame_levels_db(samples)
    if not len(level_db):
        return []
    loudest, background = np.percentile(level_db, [99, 5])
    if loudest < QUIETEST_DBFS or loudest - background < LEAST_CONTRAST_DB:
        return []
    threshold = max(loudest - BELOW_LOUDEST_DB, background + ABOVE_BACKGROUND_DB, QUIETEST_DBFS)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], level_db > threshold, [False]]).astype(np.int8)))
    found: list[Stretch] = []
    for start, end in (edges.reshape(-1, 2) * HOP_SAMPLES).tolist():
        if found and start - found[-1].end < LEAST_PAUSE_SAMPLES:
            found[-1] = Stretch(found[-1].start, end)
        else:
            found.append(Stretch(start, end))
    return [stretch for stretch in found if stretch.end - stretch.start >= LEAST_STRETCH_SAMPLES]


def audible_stretches(samples: Float32) -> list[Stretch]:
    """Returns where there is something to hear: the speech, or, in a sound that never pauses, everything from its first
    to its last frame above QUIETEST_DBFS; none in silence."""
    spoken = speech_stretches(samples)
    if spoken:
        return spoken
    loud = np.flatnonzero(_frame_levels_db(samples) > QUIETEST_DBFS)
    return [Stretch(int(loud[0]) * HOP_SAMPLES, (int(loud[-1]) + 1) * HOP_SAMPLES)] if len(loud) else []


def seconds(stretches: list[Stretch]) -> float:
    return sum(stretch.end - stretch.start for stretch in stretches) / SAMPLE_RATE_HZ


def syllable_nuclei(samples: Float32, contour: Contour) -> npt.NDArray[np.intp]:
    """Returns the frames (of HOP_SAMPLES) with a syllable's peak.

    That is a voiced intensity peak within BELOW_LOUDEST_DB of the loudest one, after a dip of LEAST_DIP_DB since the
    previous peak."""
    if not len(samples):
        return np.zeros(0, np.intp)
    intensity_db = _intensity_db(samples, len(contour.f0_hz))
    inner = intensity_db[1:-1]
    peaks = np.flatnonzero((inner > intensity_db[:-2]) & (inner >= intensity_db[2:])) + 1
    threshold = max(np.percentile(intensity_db, 99) - BELOW_LOUDEST_DB, QUIETEST_DBFS)
    nuclei: list[int] = []
    for peak in peaks[(intensity_db[peaks] > threshold) & contour.voiced[peaks]].tolist():
        if not nuclei:
            nuclei.append(peak)
            continue
        valley = intensity_db[nuclei[-1] : peak].min()
        if min(intensity_db[nuclei[-1]], intensity_db[peak]) - valley >= LEAST_DIP_DB:
            nuclei.append(peak)
        elif intensity_db[peak] > intensity_db[nuclei[-1]]:
            nuclei[-1] = peak  # It is the same syllable, which is still rising.
    return np.array(nuclei, np.intp)


def rate_per_sec(count: int, duration_sec: float) -> float:
    """Raises Unmeasurable for less speech than LEAST_RATED_SEC."""
    if duration_sec < LEAST_RATED_SEC:
        raise Unmeasurable(f"less than {LEAST_RATED_SEC:g} s of speech")
    return count / duration_sec


def _frame_levels_db(samples: Float32) -> Float64:
    """Returns the level of each whole frame of HOP_SAMPLES, [frames]."""
    frames = len(samples) // HOP_SAMPLES
    framed = samples[: frames * HOP_SAMPLES].reshape(frames, HOP_SAMPLES)
    return _decibels(np.mean(np.square(framed, dtype=np.float64), axis=1))


def _intensity_db(samples: Float32, frames: int) -> Float64:
    """Returns the energy in a Hann window around every frame's first sample, [frames]."""
    window = np.hanning(INTENSITY_WINDOW_SAMPLES)
    half = INTENSITY_WINDOW_SAMPLES // 2
    padded = np.pad(np.square(samples, dtype=np.float64), (half, half + HOP_SAMPLES))
    windows = np.lib.stride_tricks.sliding_window_view(padded, INTENSITY_WINDOW_SAMPLES)[::HOP_SAMPLES][:frames]
    return _decibels(windows @ window / window.sum())


def _decibels(power: Float64) -> Float64:
    decibels: Float64 = 10 * np.log10(np.maximum(power, 10 ** (_SILENT_DB / 10)))
    return decibels
