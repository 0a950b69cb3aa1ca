"""A measured value with everything that is needed to judge it, and the words that it may be computed from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

TrackKind = Literal["participant", "heard", "agent"]
Role = Literal["participant", "agent"]


@dataclass(frozen=True, slots=True)
class Words:
    """One utterance. Its times are on the take's microphone clock, and None if they are not known.

    Nobody heard a discarded utterance."""

    role: Role
    text: str
    start_ms: float | None = None
    end_ms: float | None = None
    discarded: bool = False


@dataclass(frozen=True, slots=True)
class Method:
    """How a value is computed. `name` and `unit` are as stored and exported; `citation` is a reference or a definition.

    The version changes whenever the same recording could give another value."""

    name: str
    unit: str
    citation: str
    version: str = "1"


@dataclass(frozen=True, slots=True)
class Measurement:
    """`value` is a finite number, or None with the `reason`. Raises ValueError for anything else."""

    track: TrackKind
    name: str
    value: float | None
    reason: str
    unit: str
    method: str
    version: str

    def __post_init__(self) -> None:
        if (self.value is None) == (self.reason == ""):
            raise ValueError(f"{self.name} of {self.track} needs either a value or a reason")
        if self.value is not None and not math.isfinite(self.value):
            raise ValueError(f"{self.name} of {self.track} is {self.value}")
