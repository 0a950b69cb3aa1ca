"""The engine: it loads the models once, opens a conversation for each slot and confines a failure to its slot."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from importlib.metadata import version
from importlib.resources import as_file, files
from threading import Event
from time import perf_counter
from typing import Any, Final

import numpy as np
import structlog

from inference.contract.audio import FRAME_SAMPLES, Float32
from inference.contract.errors import OptionError
from inference.contract.options.cascade import Options
from inference.contract.options.cascade_voice import read_options
from inference.engines.base import Engine, SlotConfig, StepOutput
from inference.engines.cascade.agent_voices import AGENT_VOICES, HEART
from inference.engines.cascade.dialogue import Dialogue
from inference.engines.cascade.health import NO_ADVICE
from inference.engines.cascade.hearing.recognition import NO_SPEECH_PROBABILITY, PAD_SEC
from inference.engines.cascade.hearing.turn import COMPLETE_PROBABILITY, ENTER_PROBABILITY, STAY_PROBABILITY, Timing
from inference.engines.cascade.hearing.vad import RATE_HZ
from inference.engines.cascade.language import MAX_PERSONA_BYTES, MIN_P, REPEAT_PENALTY
from inference.engines.cascade.loading import Loaded, load
from inference.engines.cascade.playout import WORD_TIMING
from inference.engines.cascade.prompt import HOW_TO_ANSWER, NOBODY, SMALL_TALK, opening
from inference.engines.cascade.reply import FALLBACK, Models
from inference.engines.cascade.settings import CascadeSettings
from inference.engines.cascade.telling import describe_told
from inference.weights.fetching import Weights
from inference.weights.hub import sha256

log = structlog.get_logger()

THREADS_PER_SLOT: Final = 8  # two for the current attempt at an answer, the others for withdrawn attempts
PACKAGES: Final = ("ctranslate2", "faster-whisper", "hibari-tts", "onnxruntime", "xllamacpp")


class CascadeEngine(Engine):
    """Recognition, language model and synthesis in sequence. Only words pass between the two voices."""

    def __init__(self, slots: int | None, settings: Mapping[str, str]) -> None:
        super().__init__(slots, settings)
        started = perf_counter()
        own = CascadeSettings.read_for("cascade", settings)
        self._loaded = loaded = load(own, slots=self.slots)
        self._threads = ThreadPoolExecutor(THREADS_PER_SLOT * self.slots, thread_name_prefix="cascade")
        self._conversations: dict[int, Dialogue] = {}
        self._snapshot = describe(loaded, threads=own.threads)
        log.info("cascade loaded", seconds=round(perf_counter() - started, 1), slots=self.slots, threads=own.threads)

    def warm_up(self) -> None:
        never = Event()
        second = np.zeros(RATE_HZ, np.float32)
        loaded = self._loaded
        models = {id(model): model for model in loaded.languages.values()}.values()  # one may have two names
        with ThreadPoolExecutor(thread_name_prefix="cascade-warm-up") as warming:
            warm: list[Future[Any]] = [
                warming.submit(loaded.recogniser, second, never),
                *(warming.submit(model.read, slot, opening("")) for model in models for slot in range(self.slots)),
                *(warming.submit(speak, "Hello there.", 0, never) for speak in loaded.synthesisers.values()),
                warming.submit(loaded.turn_end, second, never),
            ]
        for each in warm:
            each.result()

    def check(self, config: SlotConfig) -> None:
        options = read_options(config.options)
        if options.model not in self._loaded.languages:
            raise OptionError("model", options.model, f"one of {', '.join(self._loaded.languages)} on this machine")
        voices = self._loaded.synthesisers
        if config.voice_prompt and config.voice_prompt not in voices:
            raise OptionError("voice_prompt", config.voice_prompt, f"one of {', '.join(voices)} on this machine")
        size = len(config.text_prompt.encode())
        if size > MAX_PERSONA_BYTES:
            raise OptionError("text_prompt", f"{size} bytes long", f"at most {MAX_PERSONA_BYTES}")

    def open(self, slot: int, config: SlotConfig) -> None:
        self.check(config)
        self.close(slot)
        options = read_options(config.options)
        models = Models(
            turn_end=self._loaded.turn_end,
            recogniser=self._loaded.recogniser,
            language=self._loaded.languages[options.model],
            synthesiser=self._loaded.synthesisers[config.voice_prompt or HEART.name],
            threads=self._threads,
        )
        self._conversations[slot] = Dialogue(slot, config, options, models, self._loaded.vad)

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
        # a thread left inside llama.cpp would crash the process as it ends
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._loaded.turn_end.close()
        self._loaded.recogniser.close()
        for synthesiser in self._loaded.synthesisers.values():
            synthesiser.close()

    def snapshot(self) -> dict[str, Any]:
        return self._snapshot

    def snapshot_with(self, fixed: Mapping[str, Any]) -> dict[str, Any]:
        return describe_told(self._snapshot, read_options(fixed))


def describe(loaded: Loaded, *, threads: int) -> dict[str, Any]:
    """Returns the engine's snapshot, with hashes of the two models that come inside packages. `choices` are the values
    of options of which not every machine has all."""
    return {
        "name": "cascade",
        "text_mediated": True,
        "choices": {"model": list(loaded.languages), "voice_prompt": list(loaded.synthesisers)},
        "hears": list(Options().hears),
        "models": {
            **{name: _fetched(found) for name, found in loaded.weights.items()},
            "voice_activity": _packaged(
                "Silero VAD v6", "faster-whisper", "MIT", "faster_whisper.assets", "silero_vad_v6.onnx"
            ),
            "synthesis": _packaged("hibari, voice heart", "hibari-tts", "Apache-2.0", "hibari", "assets/hibari.onnx"),
        },
        "packages": {name: version(name) for name in PACKAGES},
        "parameters": {
            "voices": {name: dict(AGENT_VOICES[name].transform) for name in loaded.synthesisers},
            "option_defaults": Options().as_json(),
            "system_prompt": f"{NOBODY} {HOW_TO_ANSWER}",
            "examples": [list(example) for example in SMALL_TALK],
            "no_medical_advice": " ".join(NO_ADVICE),
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
