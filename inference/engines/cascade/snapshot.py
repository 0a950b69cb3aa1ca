"""Describes what a researcher must know to repeat a conversation with this engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from importlib.metadata import version
from importlib.resources import as_file, files
from typing import Any, Final

from inference.contract.options.cascade import Options
from inference.engines.cascade.hearing.recognition import NO_SPEECH_PROBABILITY, PAD_SEC
from inference.engines.cascade.hearing.turn import COMPLETE_PROBABILITY, ENTER_PROBABILITY, STAY_PROBABILITY, Timing
from inference.engines.cascade.language import EXAMPLES, MIN_P, REPEAT_PENALTY, SYSTEM_PROMPT
from inference.engines.cascade.reply import FALLBACK
from inference.engines.cascade.synthesis import WORD_TIMING
from inference.weights.packages import Weights, sha256

PACKAGES: Final = ("ctranslate2", "faster-whisper", "hibari-tts", "onnxruntime", "xllamacpp")


def describe(weights: Mapping[str, Weights], *, threads: int) -> dict[str, Any]:
    """`weights` by component. Hashes the two models that come inside packages."""
    return {
        "name": "cascade",
        "text_mediated": True,
        "models": {
            **{name: _fetched(found) for name, found in weights.items()},
            "voice_activity": _packaged(
                "Silero VAD v6", "faster-whisper", "MIT", "faster_whisper.assets", "silero_vad_v6.onnx"
            ),
            "synthesis": _packaged("hibari, voice heart", "hibari-tts", "Apache-2.0", "hibari", "assets/hibari.onnx"),
        },
        "packages": {name: version(name) for name in PACKAGES},
        "parameters": {
            "option_defaults": {option.name: option.default for option in fields(Options)},
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
