"""Laughs, by rule: bursts of sound that follow each other evenly, three to ten in a second, and sound alike.

In speech, neighbouring syllables differ in their vowels, and few have near silence between them. The rule finds neither
a laugh of one burst nor words that are spoken with a laugh in the voice.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from inference.contract.options.cascade_voice import VoiceOptions
from inference.engines.cascade.hearing.voice.frames import FAINTEST_DBFS, HOP_SEC, Float64, Frames, smooth

LEVEL_FRAMES: Final = 5
LEAST_INTERVAL_SEC: Final = 0.1
LONGEST_INTERVAL_SEC: Final = 0.34
BELOW_LOUDEST_DB: Final = 28.0  # fainter peaks are no bursts
LEAST_DIP_DB: Final = 4.0  # a shallower dip separates nothing
BACKGROUND_PERCENTILE: Final = 10
BAND_ABOVE_BACKGROUND_DB: Final = 10.0
LEAST_BANDS: Final = 4
SHORT_LAUGH_BURSTS: Final = 3
LEAST_VOICED_SHARE: Final = 1 / 3  # of the bursts; footsteps and knocks have none


class Sound(NamedTuple):
    """A stretch of a recording, in seconds."""

    start_sec: float
    end_sec: float


class Step(NamedTuple):
    """From one burst to the next."""

    interval_sec: float
    dip_db: float
    difference_db: float


def laughs(frames: Frames, options: VoiceOptions) -> list[Sound]:
    """Returns the laughs in order."""
    level_db = smooth(frames.level_db, LEVEL_FRAMES)
    bursts = _bursts(level_db)
    bands_db = [frames.bands_db[max(0, burst - 1) : burst + 2].mean(0) for burst in bursts]
    audible_db = np.percentile(frames.bands_db, BACKGROUND_PERCENTILE, axis=0) + BAND_ABOVE_BACKGROUND_DB
    steps = [
        Step(
            (after - before) * HOP_SEC,
            float(min(level_db[before], level_db[after]) - level_db[before : after + 1].min()),
            _difference_db(bands_db[index], bands_db[index + 1], audible_db),
        )
        for index, (before, after) in enumerate(pairwise(bursts))
    ]
    voiced = [bool(frames.voiced[max(0, burst - 1) : burst + 2].any()) for burst in bursts]
    runs = [
        *_runs(steps, options.laugh_bursts, options.laugh_dip_db, options.laugh_unevenness, options),
        *_runs(steps, SHORT_LAUGH_BURSTS, options.short_laugh_dip_db, options.short_laugh_unevenness, options),
    ]
    found = {
        Sound(bursts[first] * HOP_SEC, bursts[last] * HOP_SEC)
        for first, last in runs
        if sum(voiced[first : last + 1]) >= LEAST_VOICED_SHARE * (last + 1 - first)
    }
    return sorted(found)


def _bursts(level_db: Float64) -> list[int]:
    """Returns the frames of the peaks with dips of LEAST_DIP_DB between them."""
    inner = level_db[1:-1]
    peaks = np.flatnonzero((inner > level_db[:-2]) & (inner >= level_db[2:])) + 1
    bursts: list[int] = []
    faintest_db = max(level_db.max(initial=-np.inf) - BELOW_LOUDEST_DB, FAINTEST_DBFS)
    for peak in peaks[level_db[peaks] > faintest_db].tolist():
        if not bursts:
            bursts.append(peak)
            continue
        last = bursts[-1]
        if min(level_db[last], level_db[peak]) - level_db[last:peak].min() >= LEAST_DIP_DB:
            bursts.append(peak)
        elif level_db[peak] > level_db[last]:
            bursts[-1] = peak
    return bursts


def _difference_db(one: Float64, other: Float64, audible_db: Float64) -> float:
    """Returns how far two bursts' spectra differ without their levels, in the bands where one of them is audible: the
    noise of the room would make them alike elsewhere. All are [BANDS], in dB."""
    audible = np.maximum(one, other) > audible_db
    if np.count_nonzero(audible) < LEAST_BANDS:
        return np.inf
    difference_db = (one - other)[audible]
    return float(np.std(difference_db))


def _runs(
    steps: list[Step], least_bursts: int, least_dip_db: float, unevenness: float, options: VoiceOptions
) -> list[tuple[int, int]]:
    """Returns the first and last burst of every run that is long enough."""
    runs: list[tuple[int, int]] = []
    first = 0
    for index in range(len(steps) + 1):
        if index < len(steps) and _is_alike(steps[index], least_dip_db, options):
            if index == first or _ratio(steps[index - 1], steps[index]) <= unevenness:
                continue
            ended, first_of_next = index, index  # this step begins a run of its own, from the burst before it
        else:
            ended, first_of_next = index, index + 1
        if ended - first + 1 >= least_bursts:
            runs.append((first, ended))
        first = first_of_next
    return runs


def _is_alike(step: Step, least_dip_db: float, options: VoiceOptions) -> bool:
    return (
        LEAST_INTERVAL_SEC <= step.interval_sec <= LONGEST_INTERVAL_SEC
        and step.dip_db >= least_dip_db
        and step.difference_db <= options.laugh_difference_db
    )


def _ratio(before: Step, after: Step) -> float:
    shorter, longer = sorted((before.interval_sec, after.interval_sec))
    return longer / shorter
