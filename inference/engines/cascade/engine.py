"""The engine itself: loads the models once, opens a conversation a slot, keeps one slot's failure to that slot."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import perf_counter
from typing import Any, Final

import numpy as np
import structlog

from inference.contract.audio import FRAME_SAMPLES, Float32
from inference.contract.errors import EngineUnavailable, OptionError
from inference.contract.options.cascade import Options
from inference.engines.base import Engine, SlotConfig, StepOutput
from inference.engines.cascade.conversation import Conversation
from inference.engines.cascade.hearing.recognition import Recogniser
from inference.engines.cascade.hearing.turn_end import TurnEnd
from inference.engines.cascade.hearing.vad import RATE_HZ, load_vad
from inference.engines.cascade.history import MAX_PERSONA_BYTES
from inference.engines.cascade.language import LanguageModel, opening
from inference.engines.cascade.reply import Models
from inference.engines.cascade.settings import CascadeSettings
from inference.engines.cascade.snapshot import describe
from inference.engines.cascade.synthesis import Synthesiser
from inference.weights.components import ENGINE_COMPONENTS
from inference.weights.packages import WeightsError, find

log = structlog.get_logger()

THREADS_PER_SLOT: Final = 8  # two for an attempt to answer, the others for withdrawn ones that are about to end


class CascadeEngine(Engine):
    """Recognition, language model and synthesis in a row. Between the two voices there are only words."""

    def __init__(self, slots: int | None, settings: Mapping[str, str]) -> None:
        super().__init__(slots, settings)
        started = perf_counter()
        own = CascadeSettings.read_for("cascade", settings)
        threads = own.threads
        try:
            weights = {component.name: find(component, own) for component in ENGINE_COMPONENTS["cascade"]}
        except WeightsError as error:
            raise EngineUnavailable(
                "cascade", f"the weights of {error.component} {error.reason}", error.remedy
            ) from error
        self._conversations: dict[int, Conversation] = {}
        self._vad = load_vad()
        self._models = Models(
            turn_end=TurnEnd(weights["turn_end"].path),
            recogniser=Recogniser(weights["recognition"].path, threads=threads),
            language=LanguageModel(weights["language"].path, slots=self.slots, threads=threads),
            synthesiser=Synthesiser(),
            threads=ThreadPoolExecutor(THREADS_PER_SLOT * self.slots, thread_name_prefix="cascade"),
        )
        self._snapshot = describe(weights, threads=threads)
        log.info("cascade loaded", seconds=round(perf_counter() - started, 1), slots=self.slots, threads=threads)

    def warm_up(self) -> None:
        never = Event()
        second = np.zeros(RATE_HZ, np.float32)
        self._models.turn_end(second, never)
        self._models.recogniser(second, never)
        self._models.synthesiser("Hello there.", 0, never)
        for slot in range(self.slots):
            self._models.language.read(slot, opening(""))

    def check(self, config: SlotConfig) -> None:
        Options.read(config.options)
        if config.voice_prompt:
            raise OptionError("voice_prompt", config.voice_prompt, "nothing: this engine has one voice")
        size = len(config.text_prompt.encode())
        if size > MAX_PERSONA_BYTES:
            raise OptionError("text_prompt", f"{size} bytes long", f"at most {MAX_PERSONA_BYTES}")

    def open(self, slot: int, config: SlotConfig) -> None:
        self.check(config)
        self.close(slot)
        self._conversations[slot] = Conversation(slot, config, Options.read(config.options), self._models, self._vad)

    def step(self, frames: Mapping[int, Float32]) -> dict[int, StepOutput]:
        outputs = {}
        for slot, frame in frames.items():
            try:
                outputs[slot] = self._conversations[slot].step(frame)
            except Exception as error:  # one slot's failure is not the others'
                self.failed[slot] = error
                outputs[slot] = StepOutput(np.zeros(FRAME_SAMPLES, np.float32))
        return outputs

    def close(self, slot: int) -> None:
        conversation = self._conversations.pop(slot, None)
        if conversation is not None:
            conversation.close()

    def shut_down(self) -> None:
        for slot in list(self._conversations):
            self.close(slot)
        self._models.close()

    def snapshot(self) -> dict[str, Any]:
        return self._snapshot
