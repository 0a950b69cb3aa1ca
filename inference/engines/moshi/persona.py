"""What a checkpoint makes of `text_prompt` and `voice_prompt`: who the agent is and how it sounds.

A persona is told to a row before the conversation begins, in pieces between the steps of the batch, so that neighbours
keep their 80 ms. Until a row has heard it all it answers silence, and its frames go unheard.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from inference.engines.base import SlotConfig
from inference.errors import OptionError

if TYPE_CHECKING:
    from inference.engines.moshi.batch import Batch


class Persona(ABC):
    """One for each engine. All but `check` and `describe` are about the rows of its one batch."""

    @abstractmethod
    def check(self, config: SlotConfig) -> None:
        """Raises OptionError for prompts that the checkpoint cannot honour."""

    @abstractmethod
    def describe(self) -> Any:
        """For the snapshot; None where there are no prompts."""

    def begin(self, batch: Batch, row: int, config: SlotConfig) -> None:
        """The row, started and without a step, is to be told its prompts. Raises OptionError."""
        return

    def advance(self, batch: Batch) -> None:
        """Once before each step of the batch: tells one piece to one row that waits for it."""
        return

    def waiting(self, row: int) -> bool:
        """Whether the row has not been told everything yet: it cannot be stepped."""
        return False

    def finish(self, batch: Batch, row: int) -> bool:
        """Before the row moves: tells it at once what it has not been told yet. Whether it then still has its first
        step before it, which `resume` prepares."""
        return False

    def resume(self, batch: Batch, row: int, config: SlotConfig) -> None:
        """The row was restored from where `finish` said True."""
        return

    def forget(self, row: int) -> None:
        """The conversation has ended."""
        return


class NoPersona(Persona):
    """Of a checkpoint that was not trained with prompts, as Moshiko and Moshika: there is nothing to be told."""

    def check(self, config: SlotConfig) -> None:
        for name, value in (("text_prompt", config.text_prompt), ("voice_prompt", config.voice_prompt)):
            if value.strip():
                raise OptionError(name, value, "none: this checkpoint takes no persona, as PersonaPlex does")

    def describe(self) -> Any:
        return None
