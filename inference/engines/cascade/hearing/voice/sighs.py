"""Sighs, by rule: a breath that is heard for longer than any unvoiced sound of speech lasts.

The rule cannot tell breathing out from breathing in, and it does not find a sigh that is voiced from end to end.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from inference.contract.options.cascade_voice import VoiceOptions
from inference.engines.cascade.hearing.voice.frames import FAINTEST_DBFS, HOP_SEC, Frames, smooth
from inference.engines.cascade.hearing.voice.laughs import Sound

BACKGROUND_PERCENTILE: Final = 10
LONGEST_BREAK_FRAMES: Final = 3  # a shorter break does not end a breath
BELOW_LOUDEST_DB: Final = 30.0  # a fainter breath is the ordinary one between phrases


def sighs(frames: Frames, options: VoiceOptions) -> list[Sound]:
    """Returns the sighs in order."""
    level_db = smooth(frames.level_db, 3)
    background_db, loudest_db = np.percentile(level_db, [BACKGROUND_PERCENTILE, 98])
    breathy = (
        (smooth(frames.periodicity, 5) < options.sigh_periodicity)
        & (smooth(frames.centroid_hz, 5) < options.sigh_centroid_hz)
        & (
            level_db
            > max(background_db + options.sigh_above_background_db, loudest_db - BELOW_LOUDEST_DB, FAINTEST_DBFS)
        )
    )
    found = []
    start = end = 0
    for frame in [*np.flatnonzero(breathy).tolist(), len(breathy) + LONGEST_BREAK_FRAMES + 1]:
        if frame - end > LONGEST_BREAK_FRAMES:
            if (end - start) * HOP_SEC >= options.sigh_ms / 1_000:
                found.append(Sound(start * HOP_SEC, end * HOP_SEC))
            start = frame
        end = frame + 1
    return found
