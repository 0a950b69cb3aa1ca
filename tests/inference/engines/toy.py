"""The engine of docs/developer.md, as somebody adds it: an engine, its options beside it, and its catalogue line.

As a pytest plugin (`-p tests.inference.engines.toy`) it puts the line into the catalogue before tests are collected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from inference.contract.audio import Float32
from inference.contract.catalog import ENGINES, Entry
from inference.contract.errors import OptionError
from inference.engines.base import SlotConfig, StepOutput
from inference.engines.echo import EchoEngine


@dataclass(frozen=True, slots=True)
class Options:
    """`gain` is how much quieter the answer is than the question."""

    gain: float = 0.5

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Options:
        """Raises OptionError."""
        for name, value in given.items():
            if name != "gain":
                raise OptionError(name, value, "no such option; the engine knows gain", ("gain",))
            if not isinstance(value, float) or not 0 < value <= 1:
                raise OptionError(name, value, "a number above 0, at most 1")
        return cls(**given)


class ToyEngine(EchoEngine):
    """A quieter echo."""

    def __init__(self, slots: int | None, settings: Mapping[str, str]) -> None:
        super().__init__(slots, settings)
        self._gains: dict[int, float] = {}

    def check(self, config: SlotConfig) -> None:
        Options.read(config.options)
        super().check(SlotConfig(config.text_prompt, config.voice_prompt, config.seed))

    def open(self, slot: int, config: SlotConfig) -> None:
        super().open(slot, config)
        self._gains[slot] = Options.read(config.options).gain

    def import_slot(self, slot: int, config: SlotConfig, state: bytes) -> None:
        super().import_slot(slot, config, state)
        self._gains[slot] = Options.read(config.options).gain

    def step(self, frames: Mapping[int, Float32]) -> dict[int, StepOutput]:
        quieter: Mapping[int, Float32] = {slot: frame * self._gains[slot] for slot, frame in frames.items()}
        return super().step(quieter)

    def snapshot(self) -> dict[str, Any]:
        return {**super().snapshot(), "name": "toy"}


LINE: Final = Entry(
    "Toy",
    "tests.inference.engines.toy:ToyEngine",
    "Repeats what it hears, more quietly.",
    options="tests.inference.engines.toy:Options.read",
)


def pytest_configure() -> None:
    cast("dict[str, Entry]", ENGINES)["toy"] = LINE
