"""The one reader of sound files that others made: uploads, what the terminal client and bots say, voices to imitate.

A header says how long a file is, but whoever wrote it into a pipe, or was stopped, did not know: it then says nothing,
or a placeholder. `whole` finds out what is really there. A file that was cut off, and one that holds several
recordings of which only the first would be read, are refused."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Final

import numpy as np
import soundfile

from inference.contract.audio import Float32
from inference.contract.sound_files.flac import counted_flac
from inference.contract.sound_files.mp3 import counted_mp3
from inference.contract.sound_files.ogg import ended_ogg
from inference.contract.sound_files.refusals import SoundRefused, chained, damaged, truncated
from inference.contract.sound_files.wav import W64_START, plain_wav

BLOCK_SAMPLES: Final = 65_536  # all channels together
ID3_HEADER: Final = 10
ANOTHER_START: Final = re.compile(
    rb"(?:RIFF|RF64|BW64)....WAVE(?:fmt |JUNK|ds64|bext|LIST)|fLaC[\x00\x80]\x00\x00\x22", re.DOTALL
)
AUDIBLE_POWER: Final = 1e-7  # -70 dBFS
CANCELLED: Final = 1 / 4  # of the power that channels with nothing in common keep when they are mixed


def kind_of(content: bytes) -> str:
    """Recognises wav, flac, ogg or mp3 by the first bytes, behind tags; "" for anything else."""
    tags = _tags_end(content)
    head = content[tags : tags + 16]
    if (head[:4] in {b"RIFF", b"RF64", b"BW64"} and head[8:12] == b"WAVE") or head[:8] == W64_START:
        return "wav"
    if head[:4] == b"fLaC":
        return "flac"
    if head[:4] == b"OggS":
        return "ogg"
    # a tag, or the sync word of a layer III frame with a bit rate and a sample rate that exist
    if tags:
        return "mp3"
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2 and head[2] >> 4 < 15 and head[2] & 0x0C != 0x0C:
        return "mp3"
    return ""


def whole(content: bytes) -> bytes:
    """Returns the same recording as a file that says its true length. Raises SoundRefused."""
    kind = kind_of(content)
    tags = _tags_end(content)
    if tags > len(content):
        raise truncated()
    content = content[tags:]
    if kind in {"wav", "flac"} and ANOTHER_START.search(content, 4):
        raise chained()
    match kind:
        case "wav":
            return plain_wav(content)
        case "flac":
            return counted_flac(content)
        case "ogg":
            return ended_ogg(content)
        case "mp3":
            return counted_mp3(content)
    return content


def read_mono(content: bytes) -> tuple[Float32, int]:
    """Any format that libsndfile reads -> float32 [n], mixed to mono, and its sample rate. Raises SoundRefused."""
    with Sound(content) as sound:
        blocks = [block.mean(1, dtype=np.float32) for block in sound.blocks()]
        return np.concatenate([*blocks, np.zeros(0, np.float32)]), sound.rate_hz


class Sound:
    """A file that is being read, from its first sample to its last. Raises SoundRefused."""

    def __init__(self, content: bytes) -> None:
        if not content:
            raise SoundRefused("empty", "The file is empty.")
        try:
            self._file = soundfile.SoundFile(io.BytesIO(whole(content)))
        except (soundfile.SoundFileError, RuntimeError):
            raise damaged() from None
        self.format: str = self._file.format
        self.codec: str = self._file.subtype
        self.rate_hz: int = self._file.samplerate
        self.channels: int = self._file.channels
        self.declared: int = self._file.frames
        """Samples of each channel. Some formats keep a placeholder, 2**63 - 1."""

    def __enter__(self) -> Sound:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def blocks(self) -> Iterator[Float32]:
        """float32 [n, channels]. Raises SoundRefused, also at the end, of what only shows there."""
        frames, power, mixed_power = 0, 0.0, 0.0
        while len(block := self._block()):
            if not np.isfinite(block).all():
                raise SoundRefused("damaged", "It holds samples that are not numbers. Save it again from its source.")
            frames += len(block)
            power += float(np.square(block, dtype=np.float64).mean(1).sum())
            mixed_power += float(np.square(block.mean(1), dtype=np.float64).sum())
            yield block
        if self.format != "MP3" and frames < self.declared < 2**62:  # MP3's count is of frames, which begin silent
            raise truncated()
        if power > AUDIBLE_POWER * frames and mixed_power < power * CANCELLED / self.channels:
            raise SoundRefused(
                "antiphase",
                "Its channels cancel each other out: one is the other turned upside down. Save one channel as mono.",
            )

    def _block(self) -> Float32:
        try:
            block: Float32 = self._file.read(max(1, BLOCK_SAMPLES // self.channels), dtype="float32", always_2d=True)
        except (soundfile.SoundFileError, RuntimeError):
            raise damaged() from None
        return block


def _tags_end(content: bytes) -> int:
    """Where the sound begins, behind the ID3 tags before it."""
    at = 0
    while content[at : at + 3] == b"ID3" and len(content) >= at + ID3_HEADER:
        size = 0
        for byte in content[at + 6 : at + ID3_HEADER]:
            size = size << 7 | byte & 0x7F
        at += size + ID3_HEADER * (2 if content[at + 5] & 0x10 else 1)  # with a footer
    return at
