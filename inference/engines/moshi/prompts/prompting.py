"""What a checkpoint makes of `text_prompt` and `voice_prompt`: the one seam between the engine and a persona."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from inference.contract.errors import OptionError
from inference.engines.base import SlotConfig


class Prompting(Protocol):
    """Made for one batch (`Checkpoint.prompting`), called by its engine alone. A row is started clean, then told, by
    `Batch.place` and `Batch.tell`, and stepped only when it is ready; until then its participant hears silence."""

    def check(self, config: SlotConfig) -> None:
        """Raises OptionError for prompts that the checkpoint cannot honour."""

    def begin(self, row: int, config: SlotConfig) -> None:
        """The row was just started and has lived through nothing yet."""

    def ready(self, rows: Iterable[int]) -> set[int]:
        """Called once before each step with the rows that have a frame: goes on telling, as much as a step has time
        for, and returns those that have been told everything."""

    def finish(self, row: int) -> None:
        """Tells the row all that is left, now: its conversation is about to move."""

    def forget(self, row: int) -> None:
        """The conversation has ended."""

    def describe(self) -> dict[str, Any] | None:
        """For the snapshot: how prompts are told. None where there are none."""


class NoPrompting:
    """Of a checkpoint that was not trained on prompts: refuses them instead of ignoring them."""

    def check(self, config: SlotConfig) -> None:
        for name, prompt in (("text_prompt", config.text_prompt), ("voice_prompt", config.voice_prompt)):
            if prompt:
                raise OptionError(name, f"{len(prompt)} characters", "none: this checkpoint takes no prompts")

    def begin(self, row: int, config: SlotConfig) -> None:
        return None

    def ready(self, rows: Iterable[int]) -> set[int]:
        return set(rows)

    def finish(self, row: int) -> None:
        return None

    def forget(self, row: int) -> None:
        return None

    def describe(self) -> None:
        return None
