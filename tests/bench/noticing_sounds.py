"""Laughs, breaths, other sounds and plain speech of people, from Debian packages: fetched when needed, not shipped."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import soxr

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from inference.engines.cascade.hearing.vad import RATE_HZ
from tests.bench.voices_speech import CACHE, fetch, read

PEAK: Final = 0.3
ROOM_SEC: Final = 1.0  # of room before and after each recording, as a talk has
LEAST_SEC: Final = 0.3

SCRATCH: Final = "scratch"
PROMPTS: Final = "asterisk-core-sounds-en-g722"
READERS: Final = "pocketsphinx-testdata"
SMALL: Final = (SCRATCH, PROMPTS, READERS)
GAME_VOICES: Final = "hedgewars-data"
ASTRONAUT: Final = "colobot-common-sounds"
SOLDIER: Final = "openarena-data"
SNORER: Final = "frozen-bubble-data"
LARGE: Final = (GAME_VOICES, ASTRONAUT, SOLDIER, SNORER)

_HUMAN: Final = f"{SCRATCH}/usr/share/scratch/Media/Sounds/Human"
_VOCALS: Final = f"{SCRATCH}/usr/share/scratch/Media/Sounds/Vocals"
_VOICES: Final = f"{GAME_VOICES}/usr/share/games/hedgewars/Data/Sounds/voices"
_CRIES: Final = ("Firepunch", "Hmm", "Jump", "Laugh", "Nooo", "Ooff", "Ouch", "Ow", "Poison")  # no words in them
_NO_LAUGHS: Final = ("Classic", "Robot")  # the same recording as Default's; a machine's voice
_NO_SPEECH: Final = ("beep", "silence", "tone")
TUNED_ON: Final = ("Default", "British", "Mobster", "Pirate", "Russian", "HillBilly", "Surfer")
"""The voices whose laughs the thresholds were chosen on, beside every second recording of speech."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Recordings of one kind. `has` is the word that should be noticed in each, empty for none."""

    name: str
    has: str
    files: Sequence[Path]


def kinds(packages: Sequence[str] = (*SMALL, *LARGE), cache: Path = CACHE) -> list[Kind]:
    """Fetches the packages and returns what they hold, by kind. Raises NoSpeech."""
    for package in packages:
        if not (cache / package).is_dir():
            fetch(package, cache)
    return [kind for kind in _all(cache) if kind.files]


def recording(path: Path) -> Float32:
    """float32 [n] at 16 kHz, of one loudness, in a quiet room."""
    samples = read(path)
    samples = samples.mean(1) if samples.ndim > 1 else samples
    resampled = np.asarray(soxr.resample(samples, SAMPLE_RATE_HZ, RATE_HZ), np.float32)
    return resampled * np.float32(PEAK / max(float(np.abs(resampled).max(initial=0.0)), 1e-6))


def in_a_room(sound: Float32, noise_dbfs: float) -> Float32:
    """The sound over noise, with ROOM_SEC of that before and after."""
    edge = np.zeros(round(ROOM_SEC * RATE_HZ), np.float32)
    whole = np.concatenate([edge, sound, edge])
    noise = np.random.default_rng(0).standard_normal(len(whole)) * 10 ** (noise_dbfs / 20)
    return (whole + noise).astype(np.float32)


def _all(cache: Path) -> list[Kind]:
    laughs = {path: path.parent.name for path in sorted((cache / _VOICES).glob("*/Laugh.ogg"))}
    lines = [path for path in sorted((cache / _VOICES).glob("*/*.ogg")) if not path.name.startswith(_CRIES)]
    prompts = [
        path
        for path in sorted((cache / PROMPTS / "usr/share/asterisk/sounds/en_US_f_Allison").rglob("*.g722"))
        if not path.stem.startswith(_NO_SPEECH) and "silence" not in path.parts
    ]
    reader = cache / READERS / "usr/share/pocketsphinx/test/data"
    return [
        Kind("laughs (scratch)", "laughing", sorted((cache / _HUMAN).glob("Laugh-*"))),
        Kind("laughs of game voices, tuned on", "laughing", _of(laughs, tuned=True)),
        Kind("laughs of game voices, others", "laughing", _of(laughs, tuned=False)),
        Kind("breaths (three packages)", "sighing", _breaths(cache)),
        Kind("other sounds of people (scratch)", "", _others(cache)),
        Kind("telephone prompts, tuned on", "", prompts[::2]),
        Kind("telephone prompts, others", "", prompts[1::2]),
        Kind("readers", "", [*sorted(reader.rglob("*.wav")), *sorted(reader.rglob("*.raw"))]),
        Kind("acted lines of game voices, tuned on", "", lines[::2]),
        Kind("acted lines of game voices, others", "", lines[1::2]),
    ]


def _of(laughs: Mapping[Path, str], *, tuned: bool) -> list[Path]:
    return [path for path, voice in laughs.items() if voice not in _NO_LAUGHS and (voice in TUNED_ON) == tuned]


def _breaths(cache: Path) -> list[Path]:
    """An astronaut's breath, a gasp and a snore: nothing that is labelled a sigh was found in any package."""
    pack = cache / SOLDIER / "usr/share/games/openarena/baseoa/pak0.pk3"
    gasp = cache / SOLDIER / "sound/player/sarge/gasp.wav"
    if pack.is_file() and not gasp.is_file():
        with zipfile.ZipFile(pack) as packed:
            packed.extract("sound/player/sarge/gasp.wav", cache / SOLDIER)
    files = [
        cache / ASTRONAUT / "usr/share/games/colobot/sounds/sound026.wav",
        gasp,
        *(cache / SNORER).rglob("snore.ogg"),
    ]
    return [file for file in files if file.is_file()]


def _others(cache: Path) -> list[Path]:
    human = [path for path in sorted((cache / _HUMAN).iterdir()) if not path.name.startswith("Laugh")]
    return [*human, *sorted((cache / _VOCALS).iterdir())] if human else []
