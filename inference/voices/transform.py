"""Transforms pitch, formants, intonation range and breathiness by signal processing. This anonymises nobody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from inference.contract.audio import UPLINK_SAMPLES
from inference.contract.latency import latency_samples
from inference.contract.parameters import resolve
from inference.voices.base import Converter
from inference.voices.psola import PsolaStream

VERSION = "2"


class Transform(Converter):
    """`inference.contract.parameters` has its parameters and their ranges. The latency depends only on `floor_hz`."""

    def __init__(self) -> None:
        """Compiles the chain, so that no talker waits for it: some 10 s at the first start, less than 1 s later."""
        PsolaStream({}).push(np.zeros(UPLINK_SAMPLES, np.float32))

    def check(self, parameters: Mapping[str, Any]) -> None:
        resolve("transform", parameters)

    def open(self, parameters: Mapping[str, Any], seed: int = 0, target: str = "") -> PsolaStream:
        self.refuse_target(target)
        return PsolaStream(parameters, seed)

    def snapshot(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Returns name, version and parameters. Raises OptionError."""
        return {
            "name": "transform",
            "version": VERSION,
            "method": "streaming TD-PSOLA with resampled grains",
            "latency_samples": latency_samples("transform", parameters),
            "parameters": resolve("transform", parameters),
        }


class Resynthesis(Converter):
    """The chain of the transformation with every ratio at 1. It has the same latency for the same `floor_hz`.

    This is the sham: the voice is analysed and resynthesised like a transformed voice, with nothing changed."""

    def __init__(self) -> None:
        self._transform = Transform()

    def check(self, parameters: Mapping[str, Any]) -> None:
        resolve("resynthesis", parameters)

    def open(self, parameters: Mapping[str, Any], seed: int = 0, target: str = "") -> PsolaStream:
        return self._transform.open(resolve("resynthesis", parameters), seed, target)

    def snapshot(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        in_force = resolve("resynthesis", parameters)
        return {**self._transform.snapshot(in_force), "name": "resynthesis", "parameters": in_force}
