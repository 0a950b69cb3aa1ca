"""How a checkpoint handles `text_prompt` and `voice_prompt`: the only interface between the engine and a persona."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from inference.contract.errors import OptionError
from inference.engines.base import SlotConfig


class Prompting(Protocol):
    """The prompting of one batch (made by `Checkpoint.prompting`), which only its engine calls.

    A row starts clean, is given its prompts by `Batch.place` and `Batch.tell`, and is stepped only when it is ready;
    until then its participant hears silence."""

    def check(self, config: SlotConfig) -> None:
        """Raises OptionError for prompts that the checkpoint cannot honour."""

    def begin(self, row: int, config: SlotConfig) -> None:
        """Begins with a row that was just started and has not been stepped yet."""

    def ready(self, rows: Iterable[int]) -> set[int]:
        """Called once before each step, with the rows that have a frame.

        Continues with the prompts as far as a step has time, and returns the rows that have processed all of theirs."""

    def finish(self, row: int) -> None:
        """Processes all that is left of the row's prompts now, because its conversation is about to move."""

    def forget(self, row: int) -> None:
        """Forgets the row, because its conversation has ended."""

    def describe(self) -> dict[str, Any] | None:
        """Returns how prompts are processed, for the snapshot; None if there are no prompts."""


class NoPrompting:
    """The prompting of a checkpoint that was not trained on prompts: it refuses them instead of ignoring them."""

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
