"""The sham: the voice is analysed and resynthesised like a transformed voice, with nothing changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inference.contract.parameters import resolve
from inference.voices.base import Converter
from inference.voices.psola import PsolaStream
from inference.voices.transform import Transform


class Resynthesis(Converter):
    """The chain of the transformation with every ratio at 1. It has the same latency for the same `floor_hz`."""

    def __init__(self) -> None:
        self._transform = Transform()

    def check(self, parameters: Mapping[str, Any]) -> None:
        resolve("resynthesis", parameters)

    def open(self, parameters: Mapping[str, Any], seed: int = 0, target: str = "") -> PsolaStream:
        return self._transform.open(resolve("resynthesis", parameters), seed, target)

    def snapshot(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        in_force = resolve("resynthesis", parameters)
        return {**self._transform.snapshot(in_force), "name": "resynthesis", "parameters": in_force}
