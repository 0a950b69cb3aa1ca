"""Reads, once, the voices that PersonaPlex can speak with from files beside the checkpoint.

They are in the folder `voices` beside config.json, or else in `voices.tgz` there, as NVIDIA publishes them. There are
two kinds:

    NAME.pt                  a saved voice prompt: the embeddings of its steps, and the last tokens of them
    NAME.wav, .flac, .mp3    a recording of the voice, normalised to −24 LUFS (ITU-R BS.1770) and encoded by Mimi

A conversation names a voice by its NAME, with or without the file extension; no path is ever followed.
"""

from __future__ import annotations

import hashlib
import io
import math
import pickle
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32
from inference.contract.errors import EngineUnavailable
from inference.contract.sound_files.reading import read_mono
from inference.contract.sound_files.refusals import SoundRefused
from inference.engines.moshi.personaplex.model import CHANNELS, CODEBOOKS, Tokens, voice_steps, voice_steps_of_cache

FOLDER: Final = "voices"
ARCHIVE: Final = "voices.tgz"
SAVED: Final = ".pt"
RECORDINGS: Final = (".wav", ".flac", ".mp3")
TARGET_LUFS: Final = -24.0
BLOCK_SEC: Final = 0.4  # blocks of the measurement of loudness, one every 100 ms
GATE_LUFS: Final = -70.0
RELATIVE_GATE_LU: Final = -10.0
MAX_VOICE_BYTES: Final = 64_000_000


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice prompt: `steps` are int64 [T, CHANNELS], and `sha256` is the hash of the file.

    `embeddings` [T − 1, D] replace the model's own embeddings of the first steps."""

    name: str
    sha256: str
    steps: Tokens
    embeddings: torch.Tensor | None = None


def read_voices(
    folder: Path | None, archive: Path | None, mimi: Any, dim: int, delays: Sequence[int]
) -> dict[str, Voice]:
    """Returns all voices by name. `mimi` must not be streaming yet; `dim` and `delays` are the language model's.

    Raises EngineUnavailable for a file that is not a voice."""
    voices: dict[str, Voice] = {}
    for name, ending, content in sorted(_files(folder, archive), key=lambda file: (file[0], file[1] != SAVED)):
        if name in voices:  # The saved prompt comes first; NVIDIA's own program would take it, too.
            continue
        try:
            if ending == SAVED:
                voices[name] = _saved(name, content, dim, delays)
            else:
                voices[name] = Voice(name, _sha256(content), voice_steps(_encode(mimi, _recording(content))))
        except ValueError as error:
            raise EngineUnavailable(
                "moshi", f"the voice {name}{ending} beside the checkpoint {error}", "Replace it or take it away."
            ) from error
    return voices


def _files(folder: Path | None, archive: Path | None) -> Iterator[tuple[str, str, bytes]]:
    """Yields (name, extension, content). Nothing of the archive is written to disk, so its paths cannot do harm."""
    if folder is not None and folder.is_dir():
        for path in folder.iterdir():
            if path.is_file() and path.suffix in (SAVED, *RECORDINGS) and not path.name.startswith("."):
                yield path.stem, path.suffix, path.read_bytes()
    elif archive is not None:
        try:
            with tarfile.open(archive, "r:gz") as packed:
                for member in packed:
                    path = Path(member.name)
                    content = packed.extractfile(member) if member.isfile() else None
                    named = path.suffix in (SAVED, *RECORDINGS) and not path.name.startswith(".")
                    if content is not None and named and member.size <= MAX_VOICE_BYTES:
                        yield path.stem, path.suffix, content.read()
        except (tarfile.TarError, OSError, EOFError) as error:
            raise EngineUnavailable(
                "moshi", f"{archive.name} beside the checkpoint cannot be unpacked ({error})", "Fetch it again."
            ) from error


def _saved(name: str, content: bytes, dim: int, delays: Sequence[int]) -> Voice:
    """Reads a saved voice prompt, without running code in it. Raises ValueError for anything else."""
    try:
        saved = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        embeddings, cache = saved["embeddings"], saved["cache"]
        embeddings = embeddings.reshape(embeddings.shape[0], dim)
        cache = cache.reshape(CHANNELS, max(delays) + 3)
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise ValueError("is no voice prompt saved for this checkpoint") from error
    if not len(embeddings) or not torch.isfinite(embeddings).all():
        raise ValueError("holds no voice")
    steps = len(embeddings) + 1
    return Voice(name, _sha256(content), voice_steps_of_cache(cache.long().numpy(), steps, delays), embeddings)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _recording(content: bytes) -> Float32:
    """Reads a recording as float32 [samples] at 24 kHz, in whole frames. Raises ValueError."""
    import soxr

    try:
        samples, rate_hz = read_mono(content)
    except SoundRefused as error:
        raise ValueError(f"is no recording that can be read: {error}") from error
    samples = soxr.resample(samples, rate_hz, SAMPLE_RATE_HZ)
    loudness = loudness_lufs(samples, SAMPLE_RATE_HZ)
    if not math.isfinite(loudness):
        raise ValueError(f"is silent, or shorter than {BLOCK_SEC} s")
    samples = samples * 10 ** ((TARGET_LUFS - loudness) / 20)
    frames = -(-len(samples) // FRAME_SAMPLES)
    return np.pad(samples, (0, frames * FRAME_SAMPLES - len(samples))).astype(np.float32)


def _encode(mimi: Any, samples: Float32) -> Tokens:
    """Returns the codes [T, CODEBOOKS], encoded frame by frame as in a conversation."""
    device = next(mimi.parameters()).device
    with torch.no_grad(), mimi.streaming(1):
        frames = torch.from_numpy(samples).view(-1, 1, 1, FRAME_SAMPLES)
        codes = [mimi.encode(frame.to(device))[0, :CODEBOOKS, 0] for frame in frames]
    tokens: Tokens = torch.stack(codes).cpu().numpy()
    return tokens


def loudness_lufs(samples: npt.NDArray[Any], rate_hz: int) -> float:
    """Returns the integrated loudness of one channel by ITU-R BS.1770-4; −inf for silence and for less than a block.

    The two weighting filters are those of R. Bristow-Johnson's cookbook, with the parameters of `pyloudnorm`."""
    from scipy.signal import lfilter

    block, hop = round(BLOCK_SEC * rate_hz), round(BLOCK_SEC * rate_hz / 4)
    if len(samples) < block:
        return -math.inf
    weighted = samples.astype(np.float64)
    for numerator, denominator in (_high_shelf(4.0, math.sqrt(0.5), 1_500.0, rate_hz), _high_pass(0.5, 38.0, rate_hz)):
        weighted = lfilter(numerator, denominator, weighted)
    power = np.concatenate([[0.0], np.cumsum(weighted**2)])
    starts = hop * np.arange(round((len(samples) - block) / hop) + 1)  # The last block may lack up to half a hop.
    blocks = (power[np.minimum(starts + block, len(samples))] - power[starts]) / block
    loud = blocks[_lufs(blocks) >= GATE_LUFS]
    if not len(loud):
        return -math.inf
    loud = loud[_lufs(loud) > _lufs(loud.mean()) + RELATIVE_GATE_LU]
    return float(_lufs(loud.mean()))


def _lufs(power: Any) -> Any:
    with np.errstate(divide="ignore"):
        return -0.691 + 10 * np.log10(power)


_Filter = tuple[Sequence[float], Sequence[float]]


def _high_shelf(gain_db: float, q: float, corner_hz: float, rate_hz: int) -> _Filter:
    a = 10 ** (gain_db / 40)
    w = 2 * math.pi * corner_hz / rate_hz
    cos, edge = math.cos(w), math.sqrt(a) * math.sin(w) / q
    return (
        [a * (a + 1 + (a - 1) * cos + edge), -2 * a * (a - 1 + (a + 1) * cos), a * (a + 1 + (a - 1) * cos - edge)],
        [a + 1 - (a - 1) * cos + edge, 2 * (a - 1 - (a + 1) * cos), a + 1 - (a - 1) * cos - edge],
    )


def _high_pass(q: float, corner_hz: float, rate_hz: int) -> _Filter:
    w = 2 * math.pi * corner_hz / rate_hz
    cos, alpha = math.cos(w), math.sin(w) / (2 * q)
    return [(1 + cos) / 2, -(1 + cos), (1 + cos) / 2], [1 + alpha, -2 * cos, 1 - alpha]
