"""Voices beside the checkpoint: which are found, and what happens to files that are none."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

from inference.contract.errors import EngineUnavailable
from inference.engines.moshi.personaplex.model import PERSONAPLEX_7B
from inference.engines.moshi.personaplex.tiny import RECORDED_VOICE, SAVED_STEPS, SAVED_VOICE
from inference.engines.moshi.personaplex.voices import Voice, loudness_lufs, read_voices
from tests.inference.engines.moshi.personaplex.conftest import checkpoint_folder
from tests.inference.engines.moshi.personaplex.original import new_mimi

DIM = 64
DELAYS = PERSONAPLEX_7B["delays"]


def read(folder: Path | None, archive: Path | None = None) -> dict[str, Voice]:
    return read_voices(folder, archive, new_mimi(), DIM, DELAYS)


def saved(**changed: Any) -> dict[str, Any]:
    return {"embeddings": torch.randn(4, 1, 1, DIM), "cache": torch.zeros(1, 17, 4, dtype=torch.long), **changed}


def noise(seconds: float, level: float = 0.05) -> np.ndarray[Any, np.dtype[Any]]:
    return level * np.random.default_rng(0).standard_normal(int(seconds * 24_000))


def test_both_kinds_are_found() -> None:
    found = read(checkpoint_folder() / "voices")
    assert sorted(found) == [RECORDED_VOICE, SAVED_VOICE]
    recorded, kept = found[RECORDED_VOICE], found[SAVED_VOICE]
    assert len(recorded.steps) == 17  # 1.3 s, the last step padded
    assert recorded.embeddings is None
    assert len(kept.steps) == SAVED_STEPS
    assert kept.embeddings is not None
    assert kept.embeddings.shape == (SAVED_STEPS - 1, DIM)


def test_the_archive_is_read_without_unpacking(tmp_path: Path) -> None:
    archive = tmp_path / "voices.tgz"
    with tarfile.open(archive, "w:gz") as packed:
        packed.add(checkpoint_folder() / "voices", "voices")
        packed.add(checkpoint_folder() / "voices" / f"{SAVED_VOICE}.pt", "../../outside/EVIL.pt")
    found = read(None, archive)
    assert sorted(found) == ["EVIL", RECORDED_VOICE, SAVED_VOICE]
    np.testing.assert_array_equal(
        found[RECORDED_VOICE].steps, read(checkpoint_folder() / "voices")[RECORDED_VOICE].steps
    )
    assert list(tmp_path.iterdir()) == [archive]


def test_a_saved_prompt_comes_before_a_recording_of_the_same_name(tmp_path: Path) -> None:
    torch.save(saved(), tmp_path / "ADA.pt")
    soundfile.write(tmp_path / "ADA.wav", noise(1), 24_000)
    assert read(tmp_path)["ADA"].embeddings is not None


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("voices")
    (tmp_path / ".hidden.pt").write_text("no voice")
    (tmp_path / "folder.pt").mkdir()
    assert read(tmp_path) == {}
    assert read(tmp_path / "missing") == {}
    assert read(None, None) == {}


class Harmful:
    """Would make a file, if pickle ran it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def pickled(value: Any) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no voice at all",
        pickled({"embeddings": torch.zeros(3, 1, 1, DIM)}),
        pickled([1, 2]),
        pickled(saved(embeddings=torch.zeros(3, 1, 1, DIM + 1))),
        pickled(saved(cache=torch.zeros(1, 17, 5))),
        pickled(saved(embeddings=torch.full((3, 1, 1, DIM), torch.nan))),
        pickled(saved(embeddings=torch.zeros(0, 1, 1, DIM))),
    ],
    ids=["empty", "text", "no cache", "list", "other model", "other ring", "not numbers", "no steps"],
)
def test_what_is_no_saved_voice_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ADA.pt").write_bytes(content)
    with pytest.raises(
        EngineUnavailable, match=r"the voice ADA\.pt beside the checkpoint .*Replace it or take it away"
    ):
        read(tmp_path)


def test_no_code_in_a_voice_is_run(tmp_path: Path) -> None:
    (tmp_path / "ADA.pt").write_bytes(pickled(saved(extra=Harmful(tmp_path / "harm"))))
    with pytest.raises(EngineUnavailable, match="no voice prompt saved for this checkpoint"):
        read(tmp_path)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (lambda path: path.write_bytes(b"RIFFnothing"), "is no recording that can be read"),
        (lambda path: soundfile.write(path, np.zeros(24_000), 24_000), "is silent, or shorter than 0.4 s"),
        (lambda path: soundfile.write(path, noise(0.3), 24_000), "is silent, or shorter than 0.4 s"),
    ],
    ids=["damaged", "silent", "short"],
)
def test_what_is_no_recording_is_named(tmp_path: Path, write: Any, said: str) -> None:
    write(tmp_path / "ADA.wav")
    with pytest.raises(EngineUnavailable, match=said):
        read(tmp_path)


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    (tmp_path / "voices.tgz").write_bytes(b"\x1f\x8bnothing")
    with pytest.raises(EngineUnavailable, match=r"voices\.tgz beside the checkpoint cannot be unpacked"):
        read(None, tmp_path / "voices.tgz")


def test_rate_and_level_of_a_recording_do_not_matter(tmp_path: Path) -> None:
    time_sec = np.arange(48_000) / 48_000
    hum = 0.3 * np.sin(2 * np.pi * 150 * time_sec) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time_sec))
    soundfile.write(tmp_path / "LOUD.wav", np.column_stack([hum, hum]), 48_000, subtype="FLOAT")
    soundfile.write(tmp_path / "SOFT.flac", 0.05 * hum, 48_000, subtype="PCM_24")
    found = read(tmp_path)
    assert (found["LOUD"].steps == found["SOFT"].steps).mean() > 0.95


@pytest.mark.parametrize(
    ("samples", "expected"),
    [  # by pyloudnorm 0.2.0
        (0.5 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 24_000), -9.757379682529896),
        (np.concatenate([0.01 * noise(5), noise(5)]), None),
    ],
    ids=["tone", "gated"],
)
def test_loudness_is_that_of_the_standard(samples: Any, expected: float | None) -> None:
    if expected is None:  # the soft half is below the gate and does not count
        assert loudness_lufs(samples, 24_000) == pytest.approx(loudness_lufs(noise(5), 24_000), abs=0.5)
    else:
        assert loudness_lufs(samples, 24_000) == pytest.approx(expected, abs=1e-9)
