"""The voice as it is, through the same path as every other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inference.audio import Float32
from inference.parameters import resolve
from inference.voices.base import Converter, VoiceStream


class PassThrough(VoiceStream):
    """Returns what it is given, at once."""

    latency_samples = 0

    def push(self, samples: Float32) -> Float32:
        return samples.copy()  # the caller may reuse its buffer

    def reset(self) -> None:
        return None


class NoConversion(Converter):
    """No parameters, no latency, no change of a single bit."""

    def check(self, parameters: Mapping[str, Any]) -> None:
        resolve("none", parameters)

    def open(self, parameters: Mapping[str, Any], seed: int = 0, target: str = "") -> PassThrough:
        self.check(parameters)
        return PassThrough()

    def snapshot(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return {"name": "none", "version": "1", "latency_samples": 0, "parameters": resolve("none", parameters)}
