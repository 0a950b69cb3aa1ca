"""Computes each converter's latency from its parameters alone, so that the web can compute it too."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from inference.contract.audio import SAMPLE_RATE_HZ
from inference.contract.parameters import resolve

HOP_SAMPLES: Final = 120  # samples between two F0 values of the transformation
LAG_FRAMES: Final = 2  # hops after which an F0 value is decided
PERIODS_PER_WINDOW: Final = 3  # pitch periods in the window of the pitch analysis
PERIODS_OF_DELAY: Final = 1.4  # pitch periods from a decided F0 to a finished grain
LOOKAHEAD_SAMPLES: Final = 40  # lookahead of the limiter
_MS_SAMPLES: Final = SAMPLE_RATE_HZ // 1_000


def half_window_samples(floor_hz: float) -> int:
    """Returns half the window of the pitch analysis, in samples."""
    return round(PERIODS_PER_WINDOW * SAMPLE_RATE_HZ / floor_hz / 2)


def transform_latency_samples(floor_hz: float) -> int:
    """Returns the sum of half the pitch window, the decision lag, the grain and the limiter, in whole milliseconds."""
    delay = half_window_samples(floor_hz) + LAG_FRAMES * HOP_SAMPLES + PERIODS_OF_DELAY * SAMPLE_RATE_HZ / floor_hz
    return math.ceil((delay + LOOKAHEAD_SAMPLES) / _MS_SAMPLES) * _MS_SAMPLES


def latency_samples(converter: str, parameters: Mapping[str, Any]) -> int | None:
    """Returns the latency at 24 kHz, or None if only a running inference worker knows it. Raises OptionError."""
    rule = _RULES.get(converter)
    return None if rule is None else rule(resolve(converter, parameters))


def _from_floor(in_force: Mapping[str, float | None]) -> int:
    return transform_latency_samples(in_force["floor_hz"] or 0.0)


_RULES: Final[Mapping[str, Callable[[Mapping[str, float | None]], int]]] = {
    "none": lambda in_force: round((in_force["delay_ms"] or 0.0) * SAMPLE_RATE_HZ / 1_000),
    "resynthesis": _from_floor,
    "transform": _from_floor,
}
