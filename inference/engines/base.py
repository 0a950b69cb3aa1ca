"""The interface of an engine: rows of a batch that turn 80 ms of heard audio into 80 ms of speech, in lockstep."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from inference.contract.audio import Float32
from inference.contract.errors import SlotNotMovable
from inference.contract.wire import Metadata


@dataclass(frozen=True, slots=True)
class SlotConfig:
    """The conditioning of one conversation. `options` are the engine's own, checked by `Engine.check`."""

    text_prompt: str = ""
    voice_prompt: str = ""
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepOutput:
    """The output of one row for one frame. `pcm` is float32 [FRAME_SAMPLES], silence included. `events` are what
    happened during the step (words, transcript, turn), in order; their times (`start_ms`, `end_ms`) count from the
    slot's own first frame, on the agent's track."""

    pcm: Float32
    events: Sequence[Metadata] = ()


class Engine(ABC):
    """The interface of every engine. All methods are called on the worker's one step thread. An exception from `open`
    refuses that slot. `step` must not raise because of a single slot: it reports that slot in `failed` and steps the
    others."""

    DEFAULT_SLOTS: ClassVar[int] = 2
    movable: ClassVar[bool] = False  # whether `export_slot` and `import_slot` work

    def __init__(self, slots: int | None, settings: Mapping[str, str]) -> None:
        """Loads weights for `slots` conversations at once; None lets the engine choose (`self.slots` is how many it
        serves, at least 1). `settings` are the worker's environment.

        Raises EngineUnavailable when something that the engine needs is missing."""
        self.slots = slots or self.DEFAULT_SLOTS
        self.settings = settings
        self.failed: dict[int, Exception] = {}  # slot -> why; emptied by the worker, which ends those slots

    @abstractmethod
    def warm_up(self) -> None:
        """Pays every first-call cost now; the worker announces itself afterwards."""

    @abstractmethod
    def check(self, config: SlotConfig) -> None:
        """Raises OptionError unless this engine can honour all of `config`."""

    @abstractmethod
    def open(self, slot: int, config: SlotConfig) -> None:
        """Starts a conversation in row `slot` (0 <= slot < self.slots). Raises OptionError."""

    @abstractmethod
    def step(self, frames: Mapping[int, Float32]) -> dict[int, StepOutput]:
        """Advances the rows named in `frames`, float32 [FRAME_SAMPLES] each, by one step; the others stay as they are.

        Returns one output for every row given. It must return well within 80 ms: slow work goes to threads."""

    @abstractmethod
    def close(self, slot: int) -> None:
        """Ends the conversation; nothing of it may remain for the row's next one."""

    @abstractmethod
    def snapshot(self) -> dict[str, Any]:
        """Returns what a researcher must know to repeat a take: models, revisions, weights, parameters, licences."""

    def snapshot_with(self, fixed: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the snapshot of a variant of this engine, whose options are `fixed` in part."""
        return {**self.snapshot(), "fixed_options": dict(fixed)}

    def export_slot(self, slot: int) -> bytes:
        """Returns the whole state of a live conversation, which another row, or a worker with the same `snapshot`, can
        continue; the row itself is unchanged. Raises SlotNotMovable."""
        raise SlotNotMovable(f"the engine {type(self).__name__} keeps its conversations where they began")

    def import_slot(self, slot: int, config: SlotConfig, state: bytes) -> None:
        """Continues in row `slot`, instead of `open`, exactly where `export_slot` was called. Raises SlotNotMovable for
        a state that is damaged or of another engine, checkpoint or version; the row is then as before."""
        raise SlotNotMovable(f"the engine {type(self).__name__} keeps its conversations where they began")

    def shut_down(self) -> None:
        """Stops threads and frees memory."""
        return
