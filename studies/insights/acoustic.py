"""Measures how a voice sounds: its level, its pitch and the spread of it, and its harmonicity."""

from __future__ import annotations

import numpy as np

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from studies.errors import Unmeasurable
from studies.insights.measurement import Method
from studies.insights.pitch import HOP_SAMPLES, Contour
from studies.insights.speech import Stretch

LEVEL = Method("level_dbfs", "dBFS", "RMS of the track’s speech, relative to full scale")
F0_MEDIAN = Method("f0_median_hz", "Hz", "Median of voiced frames; autocorrelation, Boersma 1993, 60–600 Hz")
F0_SPREAD = Method("f0_sd_semitones", "st", "SD of voiced frames about their mean in semitones; Boersma 1993")
HARMONICITY = Method("harmonicity_db", "dB", "Mean harmonics-to-noise ratio of voiced frames; Boersma 1993")

LEAST_VOICED_SEC = 0.3


def level_dbfs(samples: Float32, stretches: list[Stretch]) -> float:
    """Raises Unmeasurable without speech."""
    if not stretches:
        raise Unmeasurable("no speech was found on the track")
    speech = np.concatenate([samples[stretch.start : stretch.end] for stretch in stretches])
    return float(10 * np.log10(np.mean(np.square(speech, dtype=np.float64))))


def f0_median_hz(contour: Contour) -> float:
    """Raises Unmeasurable if there is too little voiced speech, as do all functions below."""
    _check_voiced(contour)
    return float(np.median(contour.f0_hz[contour.voiced]))


def f0_sd_semitones(contour: Contour) -> float:
    _check_voiced(contour)
    return float(np.std(12 * np.log2(contour.f0_hz[contour.voiced])))


def harmonicity_db(contour: Contour) -> float:
    _check_voiced(contour)
    share = np.clip(contour.periodicity[contour.voiced], 1e-6, 1 - 1e-6)  # of the energy that is periodic
    return float(np.mean(10 * np.log10(share / (1 - share))))


def _check_voiced(contour: Contour) -> None:
    voiced_sec = np.count_nonzero(contour.voiced) * HOP_SAMPLES / SAMPLE_RATE_HZ
    if voiced_sec < LEAST_VOICED_SEC:
        raise Unmeasurable(f"less than {LEAST_VOICED_SEC:g} s of voiced speech")
