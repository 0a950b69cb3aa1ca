"""The voice as it is, on the same path as every other voice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from inference.contract.audio import Float32
from inference.contract.latency import latency_samples
from inference.contract.parameters import resolve
from inference.voices.base import Converter, VoiceStream, playable


class Delay:
    """Returns what it was given `samples` earlier; at first, that is silence."""

    def __init__(self, samples: int) -> None:
        self._held = np.zeros(samples, np.float32)

    def push(self, samples: Float32) -> Float32:
        """float32 [n] -> float32 [n]"""
        if not len(self._held):
            return samples
        joined = np.concatenate([self._held, samples])
        self._held = joined[len(samples) :]
        return joined[: len(samples)]


class Unchanged(VoiceStream):
    """Returns what it is given, `latency_samples` later."""

    def __init__(self, latency_samples: int) -> None:
        self.latency_samples = latency_samples
        self.reset()

    def push(self, samples: Float32) -> Float32:
        return self._delay.push(playable(samples))

    def reset(self) -> None:
        self._delay = Delay(self.latency_samples)


class NoConversion(Converter):
    """Changes no bit of what can be played. `delay_ms` aligns the participant's own voice with a converted one."""

    def check(self, parameters: Mapping[str, Any]) -> None:
        resolve("none", parameters)

    def open(self, parameters: Mapping[str, Any], seed: int = 0, target: str = "") -> Unchanged:
        self.refuse_target(target)
        return Unchanged(latency_samples("none", parameters) or 0)

    def snapshot(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Returns name, version and parameters. Raises OptionError."""
        return {
            "name": "none",
            "version": "2",
            "latency_samples": latency_samples("none", parameters),
            "parameters": resolve("none", parameters),
        }
