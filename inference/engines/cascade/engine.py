"""The engine: it loads the models once, opens a conversation for each slot and confines a failure to its slot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import asdict
from importlib.metadata import version
from importlib.resources import as_file, files
from threading import Event
from time import perf_counter
from typing import Any, Final, TypeVar

import numpy as np
import structlog

from inference.contract.audio import FRAME_SAMPLES, Float32
from inference.contract.errors import EngineUnavailable, OptionError
from inference.contract.options.cascade import Options
from inference.contract.options.cascade_voice import read_options
from inference.engines.base import Engine, SlotConfig, StepOutput
from inference.engines.cascade.dialogue import Dialogue
from inference.engines.cascade.hearing.recognition import NO_SPEECH_PROBABILITY, PAD_SEC, Recogniser
from inference.engines.cascade.hearing.turn import COMPLETE_PROBABILITY, ENTER_PROBABILITY, STAY_PROBABILITY, Timing
from inference.engines.cascade.hearing.turn_end import TurnEnd
from inference.engines.cascade.hearing.vad import RATE_HZ, load_vad
from inference.engines.cascade.language import (
    EXAMPLES,
    MAX_PERSONA_BYTES,
    MIN_P,
    REPEAT_PENALTY,
    SYSTEM_PROMPT,
    LanguageModel,
    opening,
)
from inference.engines.cascade.playout import WORD_TIMING, Synthesiser
from inference.engines.cascade.reply import FALLBACK, Models
from inference.engines.cascade.settings import CascadeSettings
from inference.engines.cascade.telling import describe_told
from inference.weights.components import ENGINE_COMPONENTS
from inference.weights.packages import Weights, WeightsError, find, sha256

log = structlog.get_logger()

THREADS_PER_SLOT: Final = 8  # two for the current attempt at an answer, the others for withdrawn attempts


R = TypeVar("R")
PACKAGES: Final = ("ctranslate2", "faster-whisper", "hibari-tts", "onnxruntime", "xllamacpp")


def _begin(loading: Executor, part: str, load: Callable[[], R]) -> Future[R]:
    """Starts loading a model in the background; its duration is logged."""

    def timed() -> R:
        started = perf_counter()
        loaded = load()
        log.info("loaded", part=part, seconds=round(perf_counter() - started, 1))
        return loaded

    return loading.submit(timed)


class CascadeEngine(Engine):
    """Recognition, language model and synthesis in sequence. Only words pass between the two voices."""

    def __init__(self, slots: int | None, settings: Mapping[str, str]) -> None:
        super().__init__(slots, settings)
        started = perf_counter()
        own = CascadeSettings.read_for("cascade", settings)
        threads = own.threads
        # loaded in parallel, because all of them spend their time outside Python
        with ThreadPoolExecutor(thread_name_prefix="cascade-load") as loading:
            vad, synthesiser = loading.submit(load_vad), _begin(loading, "speech synthesis", Synthesiser)
            found = {part.name: loading.submit(find, part, own) for part in ENGINE_COMPONENTS["cascade"]}
            try:
                weights = {name: finding.result() for name, finding in found.items()}
            except WeightsError as error:
                raise EngineUnavailable(
                    "cascade", f"the weights of {error.component} {error.reason}", error.remedy
                ) from error
            path = {name: each.path for name, each in weights.items()}
            recogniser = _begin(loading, "speech recognition", lambda: Recogniser(path["recognition"], threads=threads))
            language = _begin(
                loading, "language model", lambda: LanguageModel(path["language"], slots=self.slots, threads=threads)
            )
            turn_end = _begin(loading, "end of turn", lambda: TurnEnd(path["turn_end"]))
        self._conversations: dict[int, Dialogue] = {}
        self._vad = vad.result()
        self._models = Models(
            turn_end=turn_end.result(),
            recogniser=recogniser.result(),
            language=language.result(),
            synthesiser=synthesiser.result(),
            threads=ThreadPoolExecutor(THREADS_PER_SLOT * self.slots, thread_name_prefix="cascade"),
        )
        self._snapshot = describe(weights, threads=threads)
        log.info("cascade loaded", seconds=round(perf_counter() - started, 1), slots=self.slots, threads=threads)

    def warm_up(self) -> None:
        never = Event()
        second = np.zeros(RATE_HZ, np.float32)
        models = self._models
        with ThreadPoolExecutor(thread_name_prefix="cascade-warm-up") as warming:
            warm: list[Future[Any]] = [
                warming.submit(models.recogniser, second, never),
                *(warming.submit(models.language.read, slot, opening("")) for slot in range(self.slots)),
                warming.submit(models.synthesiser, "Hello there.", 0, never),
                warming.submit(models.turn_end, second, never),
            ]
        for each in warm:
            each.result()

    def check(self, config: SlotConfig) -> None:
        read_options(config.options)
        if config.voice_prompt:
            raise OptionError("voice_prompt", config.voice_prompt, "nothing: this engine has one voice")
        size = len(config.text_prompt.encode())
        if size > MAX_PERSONA_BYTES:
            raise OptionError("text_prompt", f"{size} bytes long", f"at most {MAX_PERSONA_BYTES}")

    def open(self, slot: int, config: SlotConfig) -> None:
        self.check(config)
        self.close(slot)
        self._conversations[slot] = Dialogue(slot, config, read_options(config.options), self._models, self._vad)

    def step(self, frames: Mapping[int, Float32]) -> dict[int, StepOutput]:
        outputs = {}
        for slot, frame in frames.items():
            try:
                outputs[slot] = self._conversations[slot].step(frame)
            except Exception as error:  # one slot's failure must not affect the others
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

    def snapshot_with(self, fixed: Mapping[str, Any]) -> dict[str, Any]:
        return describe_told(self._snapshot, read_options(fixed))


def describe(weights: Mapping[str, Weights], *, threads: int) -> dict[str, Any]:
    """Returns the engine's snapshot, with hashes of the two models that come inside packages. `weights` are by
    component."""
    return {
        "name": "cascade",
        "text_mediated": True,
        "hears": list(Options().hears),
        "models": {
            **{name: _fetched(found) for name, found in weights.items()},
            "voice_activity": _packaged(
                "Silero VAD v6", "faster-whisper", "MIT", "faster_whisper.assets", "silero_vad_v6.onnx"
            ),
            "synthesis": _packaged("hibari, voice heart", "hibari-tts", "Apache-2.0", "hibari", "assets/hibari.onnx"),
        },
        "packages": {name: version(name) for name in PACKAGES},
        "parameters": {
            "option_defaults": Options().as_json(),
            "system_prompt": SYSTEM_PROMPT,
            "examples": [list(example) for example in EXAMPLES],
            "min_p": MIN_P,
            "repeat_penalty": REPEAT_PENALTY,
            "fallback": FALLBACK,
            "turn_timing": asdict(Timing()),
            "speech_probabilities": [ENTER_PROBABILITY, STAY_PROBABILITY],
            "complete_probability": COMPLETE_PROBABILITY,
            "recognition_pad_sec": PAD_SEC,
            "no_speech_probability": NO_SPEECH_PROBABILITY,
            "word_timing": WORD_TIMING,
            "threads": threads,
        },
    }


def _fetched(found: Weights) -> dict[str, Any]:
    return {
        "model": found.model,
        "revision": found.revision,
        "licence": found.licence,
        "source": found.source,
        "sha256": dict(found.sha256),
    }


def _packaged(model: str, package: str, licence: str, module: str, name: str) -> dict[str, Any]:
    with as_file(files(module) / name) as path:
        digest = sha256(path)
    return {
        "model": model,
        "revision": version(package),
        "licence": licence,
        "source": f"package {package}",
        "sha256": {path.name: digest},
    }
