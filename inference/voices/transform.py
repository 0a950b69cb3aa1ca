"""A transformed voice: pitch, formants, intonation range and breathiness by signal processing. No anonymisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from inference.audio import SAMPLE_RATE_HZ, UPLINK_SAMPLES
from inference.parameters import resolve
from inference.voices.base import Converter
from inference.voices.psola import PsolaStream

VERSION = "1"
WARM_UP_SEC = 0.5


class Transform(Converter):
    """Parameters and ranges: `inference.parameters`. Latency follows from `floor_hz` alone."""

    def __init__(self) -> None:
        """Compiles the inner loops, so that no talker waits for it: seconds at the first start, then a fraction."""
        pulses = np.zeros(int(WARM_UP_SEC * SAMPLE_RATE_HZ) // UPLINK_SAMPLES * UPLINK_SAMPLES, np.float32)
        pulses[:: SAMPLE_RATE_HZ // 120] = 0.5
        PsolaStream({"breathiness": 0.5}).push(pulses)

    def check(self, parameters: Mapping[str, Any]) -> None:
        resolve("transform", parameters)

    def open(self, parameters: Mapping[str, Any], seed: int = 0, target: str = "") -> PsolaStream:
        return PsolaStream(parameters, seed)

    def snapshot(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Raises OptionError."""
        return {
            "name": "transform",
            "version": VERSION,
            "method": "streaming TD-PSOLA with resampled grains",
            "latency_samples": PsolaStream(parameters).latency_samples,
            "parameters": resolve("transform", parameters),
        }
