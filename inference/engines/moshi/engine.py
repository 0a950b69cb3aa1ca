"""The engine: it loads a checkpoint once and holds one conversation per row; a broken one ends alone.

prompts/prompting.py says how a checkpoint handles prompts; that is all the engine knows of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import structlog

from inference.contract.audio import FRAME_SAMPLES, Float32
from inference.contract.errors import EngineUnavailable, InferenceError, OptionError, SlotNotMovable
from inference.contract.options.moshi import Sampling
from inference.engines.base import Engine, SlotConfig, StepOutput
from inference.engines.moshi.source import MoshiSettings
from inference.engines.moshi.words import STRETCH_PAUSE_STEPS, WORD_PAUSE_STEPS, Monologue

if TYPE_CHECKING:
    from inference.engines.moshi.batch import Batch
    from inference.engines.moshi.prompts.prompting import Prompting

MAX_HEARD = 16.0  # largest sample accepted from the microphone, where full scale is 1
MAX_SPOKEN = 100.0  # largest sample accepted from the model

log = structlog.get_logger()


class RowBroken(InferenceError):
    """Raised when one row cannot continue; the others do. `reason` says what was wrong with it."""

    code = "row_broken"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class _Row:
    config: SlotConfig
    sampling: Sampling
    monologue: Monologue


class MoshiEngine(Engine):
    """Moshi hears while it speaks, so there are no turns to wait for; its text tokens are the words that it says."""

    movable: ClassVar[bool] = True

    def __init__(self, slots: int | None, settings: Mapping[str, str]) -> None:
        super().__init__(slots, settings)
        started = perf_counter()
        own = MoshiSettings.read_for("moshi", settings)
        try:  # torch is installed only on request.
            import torch

            from inference.engines.moshi import batch, checkpoint, placing
        except ModuleNotFoundError as error:
            raise EngineUnavailable("moshi", f"the package {error.name} is missing", "Run: make moshi") from error
        self._moving = batch
        self._checkpoint = loaded = checkpoint.load(slots, own)
        self.slots = loaded.rows
        self.memory = loaded.memory
        if loaded.device.type == "cpu":
            torch.set_num_threads(1)  # The steps are too small to share, and idle threads would spin.
        self._conversations: dict[int, _Row] = {}
        with placing.enough_memory(self.slots):
            self._batch: Batch = batch.Batch(loaded.mimi, loaded.lm, self.slots, loaded.conditions)
            self._prompting: Prompting = loaded.prompting(self._batch)
        log.info(
            "moshi loaded", seconds=round(perf_counter() - started, 1), slots=self.slots, device=str(loaded.device)
        )

    def warm_up(self) -> None:
        from inference.engines.moshi.placing import enough_memory

        with enough_memory(self.slots):
            healthy = self._batch.warm_up()
        if not healthy:
            raise EngineUnavailable(
                "moshi",
                "this checkpoint does not compute with numbers, not even in silence: its weights are damaged",
                "Fetch it again, or name another checkpoint.",
            )

    def check(self, config: SlotConfig) -> None:
        self._checkpoint.sampling.changed(config.options)
        self._prompting.check(config)

    def open(self, slot: int, config: SlotConfig) -> None:
        self.check(config)
        sampling = self._checkpoint.sampling.changed(config.options)
        if slot in self._conversations:
            self.close(slot)
        self._batch.start(slot, sampling, config.seed)
        try:
            self._prompting.begin(slot, config)
        except Exception:
            self.close(slot)
            raise
        self._conversations[slot] = _Row(config, sampling, Monologue(self._checkpoint.vocabulary))

    def step(self, frames: Mapping[int, Float32]) -> dict[int, StepOutput]:
        outputs: dict[int, StepOutput] = {}
        sound: dict[int, Float32] = {}
        for slot, frame in frames.items():
            wrong = self._what_is_wrong(slot, frame)
            if wrong:
                outputs[slot] = self._break(slot, wrong)
            else:
                sound[slot] = frame
        ready = self._prompting.ready(sound)
        for slot in sound.keys() - ready:
            outputs[slot] = StepOutput(_silence(), self._conversations[slot].monologue.step(None))
        for slot, made in self._batch.step({slot: sound[slot] for slot in sound if slot in ready}).items():
            pcm = _silence() if made.pcm is None else made.pcm
            if not made.healthy or not np.abs(pcm).max() < MAX_SPOKEN:
                outputs[slot] = self._break(slot, "the model no longer computes with numbers in this conversation")
                continue
            token = None if made.tokens is None else int(made.tokens[0])
            outputs[slot] = StepOutput(pcm, self._conversations[slot].monologue.step(token))
        return outputs

    def close(self, slot: int) -> None:
        self._conversations.pop(slot, None)
        self._prompting.forget(slot)
        self._batch.wipe(slot)

    def export_slot(self, slot: int) -> bytes:
        if slot not in self._conversations:
            raise SlotNotMovable("there is none in this row")
        conversation = self._conversations[slot]
        self._prompting.finish(slot)
        facts = {
            "fingerprint": self._checkpoint.fingerprint,
            "config": _identity(conversation.config, conversation.sampling),
            "monologue": conversation.monologue.state(),
        }
        return self._moving.pack(self._batch.state(slot), facts)

    def import_slot(self, slot: int, config: SlotConfig, state: bytes) -> None:
        try:
            self.check(config)
            sampling = self._checkpoint.sampling.changed(config.options)
        except OptionError as error:
            raise SlotNotMovable(f"it is configured for something else: {error}") from error
        tensors, facts = self._moving.unpack(state)
        if facts.get("fingerprint") != self._checkpoint.fingerprint:
            raise SlotNotMovable("it began with another checkpoint, version or kind of device")
        if facts.get("config") != _identity(config, sampling):
            raise SlotNotMovable("it began with other options, prompts or another seed")
        monologue = Monologue(self._checkpoint.vocabulary)
        try:
            monologue.restore(facts["monologue"])
            self._batch.check_state(tensors)
        except (ValueError, KeyError, TypeError) as error:
            raise SlotNotMovable(f"its state does not fit: {error}") from error
        if slot in self._conversations:
            self.close(slot)
        self._batch.restore(slot, tensors, sampling)
        self._conversations[slot] = _Row(config, sampling, monologue)

    def shut_down(self) -> None:
        for slot in list(self._conversations):
            self.close(slot)

    def snapshot(self) -> dict[str, Any]:
        description = self._checkpoint.description
        return {
            "name": "moshi",
            **description,
            "fingerprint": self._checkpoint.fingerprint,
            "slots": self.slots,
            "prompts": self._prompting.describe(),
            "parameters": {
                "option_defaults": asdict(self._checkpoint.sampling),
                "word_pause_steps": WORD_PAUSE_STEPS,
                "turn_pause_steps": STRETCH_PAUSE_STEPS,
            },
        }

    def _what_is_wrong(self, slot: int, frame: Float32) -> str:
        """Returns what is wrong with a row's input; empty if the row can be stepped."""
        if slot not in self._conversations:
            return "no conversation goes on in this row"
        if not isinstance(frame, np.ndarray) or frame.shape != (FRAME_SAMPLES,) or frame.dtype != np.float32:
            return f"what it hears is no frame of {FRAME_SAMPLES} samples, float32"
        if not np.abs(frame).max() < MAX_HEARD:  # This is also true for NaN.
            return "the sound that it hears is no sound: its values are not numbers, or far too large"
        return ""

    def _break(self, slot: int, reason: str) -> StepOutput:
        """Ends the row's conversation as failed and wipes the row at once."""
        self.failed[slot] = RowBroken(reason)
        if 0 <= slot < self.slots:
            self.close(slot)
        return StepOutput(_silence())


def _silence() -> Float32:
    return np.zeros(FRAME_SAMPLES, np.float32)


def _identity(config: SlotConfig, sampling: Sampling) -> dict[str, Any]:
    """Returns what two workers must agree on before a conversation moves, as JSON values."""
    return {
        "text_prompt": config.text_prompt,
        "voice_prompt": config.voice_prompt,
        "seed": config.seed,
        **asdict(sampling),
    }
