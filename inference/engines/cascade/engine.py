"""The engine itself: loads the models once, opens a conversation a slot, says what it is made of."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from importlib.metadata import version
from threading import Event
from time import perf_counter
from typing import Any, Final

import numpy as np
import structlog

from inference.audio import FRAME_SAMPLES, Float32
from inference.components import LANGUAGE, RECOGNITION, TURN_END
from inference.engines.base import Engine, SlotConfig, StepOutput
from inference.engines.cascade.conversation import Conversation
from inference.engines.cascade.language import EXAMPLES, MIN_P, REPEAT_PENALTY, SYSTEM_PROMPT, LanguageModel, opening
from inference.engines.cascade.options import MAX_PERSONA_CHARACTERS, Options
from inference.engines.cascade.recognition import Recogniser
from inference.engines.cascade.reply import FALLBACK, Models
from inference.engines.cascade.synthesis import WORD_TIMING, Synthesiser
from inference.engines.cascade.turn import Timing
from inference.engines.cascade.turn_end import TurnEnd
from inference.engines.cascade.vad import RATE_HZ, load_vad
from inference.errors import EngineUnavailable, OptionError
from inference.weights import WeightsError, find

log = structlog.get_logger()

MAX_THREADS: Final = 4  # more do not help models of this size
PACKAGES: Final = ("faster-whisper", "ctranslate2", "onnxruntime", "xllamacpp", "hibari-tts")


class CascadeEngine(Engine):
    """Recognition, language model and synthesis in a row. Between the two voices there are only words."""

    def __init__(self, slots: int, settings: Mapping[str, str]) -> None:
        super().__init__(slots, settings)
        started = perf_counter()
        self._conversations: dict[int, Conversation] = {}
        threads = _threads(settings)
        try:
            self._weights = {
                component.name: find(component, settings) for component in (RECOGNITION, LANGUAGE, TURN_END)
            }
        except WeightsError as error:
            raise EngineUnavailable("cascade", str(error), error.remedy) from error
        self._vad = load_vad()
        self._models = Models(
            turn_end=TurnEnd(self._weights["turn_end"].path),
            recogniser=Recogniser(self._weights["recognition"].path, threads=threads),
            language=LanguageModel(self._weights["language"].path, slots=slots, threads=threads),
            synthesiser=Synthesiser(),
        )
        log.info("cascade loaded", seconds=round(perf_counter() - started, 1), slots=slots, threads=threads)

    def warm_up(self) -> None:
        never = Event()
        second = np.zeros(RATE_HZ, np.float32)
        self._models.turn_end(second, never)
        self._models.recogniser(second, never)
        self._models.synthesiser("Hello there.", 0, never)
        self._models.language.read(0, opening(""))
        conversation = self._conversation(0, SlotConfig(), Options())
        for _ in range(3):
            conversation.step(np.zeros(FRAME_SAMPLES, np.float32))

    def check(self, config: SlotConfig) -> None:
        Options.read(config.options)
        if config.voice_prompt:
            raise OptionError("voice_prompt", config.voice_prompt, "nothing: this engine has one voice")
        if len(config.text_prompt) > MAX_PERSONA_CHARACTERS:
            raise OptionError(
                "text_prompt", f"{len(config.text_prompt)} characters long", f"at most {MAX_PERSONA_CHARACTERS}"
            )

    def open(self, slot: int, config: SlotConfig) -> None:
        self.check(config)
        self.close(slot)
        self._conversations[slot] = self._conversation(slot, config, Options.read(config.options))

    def step(self, frames: Mapping[int, Float32]) -> dict[int, StepOutput]:
        outputs = {}
        for slot, frame in frames.items():
            try:
                outputs[slot] = self._conversations[slot].step(frame)
            except Exception as error:
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
        return {
            "engine": "cascade",
            "text_mediated": True,
            "models": {
                **{
                    name: {
                        "model": found.model,
                        "revision": found.revision,
                        "licence": found.licence,
                        "source": found.source,
                        "sha256": dict(found.sha256),
                    }
                    for name, found in self._weights.items()
                },
            },
            "packages": {name: version(name) for name in PACKAGES},
            "parameters": {
                "options": {option.name: option.default for option in fields(Options)},
                "system_prompt": SYSTEM_PROMPT,
                "examples": [list(example) for example in EXAMPLES],
                "repeat_penalty": REPEAT_PENALTY,
                "min_p": MIN_P,
                "fallback": FALLBACK,
                "turn_taking": asdict(Timing()),
                "word_timing": WORD_TIMING,
            },
        }

    def _conversation(self, slot: int, config: SlotConfig, options: Options) -> Conversation:
        return Conversation(slot, config, options, opening(config.text_prompt), self._models, self._vad)


def _threads(settings: Mapping[str, str]) -> int:
    value = settings.get("CASCADE_THREADS", "")
    if not value:
        return min(MAX_THREADS, os.cpu_count() or 1)
    if not value.isdigit() or not 1 <= int(value) <= 64:
        raise EngineUnavailable("cascade", f"CASCADE_THREADS is {value!r}", "Set it to a whole number from 1 to 64.")
    return int(value)
