"""What an engine is: rows of a batch that turn 80 ms of heard audio into 80 ms of speech, in lockstep."""

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
    """What conditions one conversation. `options` are the engine's own, checked by `Engine.check`."""

    text_prompt: str = ""
    voice_prompt: str = ""
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepOutput:
    """`pcm` float32 [FRAME_SAMPLES], silence included: one frame out for every frame in. `events` are what
    happened during the step (words, transcript, turn), in order. Event times (`start_ms`, `end_ms`) count from the
    slot's own first frame, on the agent's track."""

    pcm: Float32
    events: Sequence[Metadata] = ()


class Engine(ABC):
    """All methods are called from the worker's one step thread. An exception from `open` refuses that slot; an
    exception from `step` must not happen for one slot's sake: report it in `failed` and go on with the others."""

    DEFAULT_SLOTS: ClassVar[int] = 2
    movable: ClassVar[bool] = False  # whether `export_slot` and `import_slot` work

    def __init__(self, slots: int | None, settings: Mapping[str, str]) -> None:
        """Load weights for `slots` conversations at once; None lets the engine choose (`self.slots` is what it
        carries, at least 1). `settings` are the worker's environment.

        Raises EngineUnavailable when something is missing here."""
        self.slots = slots or self.DEFAULT_SLOTS
        self.settings = settings
        self.failed: dict[int, Exception] = {}  # slot -> why; emptied by the worker, which ends those slots

    @abstractmethod
    def warm_up(self) -> None:
        """Pay every first-call cost now; the worker announces itself afterwards."""

    @abstractmethod
    def check(self, config: SlotConfig) -> None:
        """Raises OptionError unless this engine can honour all of `config`."""

    @abstractmethod
    def open(self, slot: int, config: SlotConfig) -> None:
        """Start a conversation in row `slot` (0 <= slot < self.slots). Raises OptionError."""

    @abstractmethod
    def step(self, frames: Mapping[int, Float32]) -> dict[int, StepOutput]:
        """Advance the rows named in `frames` by one step; rows left out stay frozen. float32 [FRAME_SAMPLES] each.

        Returns one output for every row given. Must return well within 80 ms: slow work goes to threads."""

    @abstractmethod
    def close(self, slot: int) -> None:
        """End the conversation; nothing of it may remain for the row's next one."""

    @abstractmethod
    def snapshot(self) -> dict[str, Any]:
        """What a researcher must know to repeat this: model names, revisions, weights, parameters, licences."""

    def export_slot(self, slot: int) -> bytes:
        """The whole state of a live conversation, to be taken up by another row or worker with the same `snapshot`;
        the row itself is unchanged. Raises SlotNotMovable."""
        raise SlotNotMovable(f"the engine {type(self).__name__} keeps its conversations where they began")

    def import_slot(self, slot: int, config: SlotConfig, state: bytes) -> None:
        """Instead of `open`: goes on in row `slot` exactly where `export_slot` was called. Raises SlotNotMovable for a
        state of another engine, checkpoint or version, or a damaged one; the row is then as before."""
        raise SlotNotMovable(f"the engine {type(self).__name__} keeps its conversations where they began")

    def shut_down(self) -> None:
        """Stop threads and free memory."""
        return
