"""The child process that decodes an upload: `python -I decoder.py ROOT`, with the upload as standard input.

It writes PCM16, mono at 24 kHz, to standard output, and a report as JSON to standard error: {"facts", "quality"}, or
{"code", "message"} for an upload that it refuses. All three streams are files. Before it reads the first byte, the
process gives up the network, access to further files, and all but a little time and memory.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import soxr

if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])  # which -I leaves out

from inference.contract.sound_files.reading import Sound, kind_of
from inference.contract.sound_files.refusals import SoundRefused
from studies.voices.quality import assess

RATE_HZ: Final = 24_000
MAX_SEC: Final = 15 * 60
MIN_SEC: Final = 1.0
MAX_DECODED_BYTES: Final = 512 * 2**20
MAX_CHANNELS: Final = 8
LOWEST_RATE_HZ: Final = 8_000
HIGHEST_RATE_HZ: Final = 192_000
ASSESSED_SEC: Final = 120  # Only parts of a longer recording are judged.
PARTS: Final = 8

CPU_SEC: Final = 20
MEMORY_BYTES: Final = 512 * 2**20  # in addition to what Python and its libraries use by then
OUTPUT_BYTES: Final = (MAX_SEC + 1) * RATE_HZ * 2

FULL_SCALE: Final = 0.999
LEVELS: Final = 4_096  # bins in which amplitudes are counted, from 0 to full scale

FORMATS: Final = {"WAV": "wav", "WAVEX": "wav", "FLAC": "flac", "OGG": "ogg", "MP3": "mp3"}
WAV_CODECS: Final = {"PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW"}
OTHER_KINDS: Final = (
    (0, b"\x1aE\xdf\xa3", "WebM or Matroska"),
    (4, b"ftyp", "MP4 or M4A"),
    (0, b"FORM", "AIFF"),
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"GIF8", "a GIF picture"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive or an office document"),
)


@dataclass(slots=True)
class Facts:
    """The properties of an upload."""

    container: str
    codec: str
    rate_hz: int
    channels: int
    duration_sec: float
    clipped_share: float


def container_of(content: bytes) -> str:
    """Recognises wav, flac, ogg or mp3 by the first bytes. Raises SoundRefused for anything else."""
    if not content:
        raise SoundRefused("empty", "The file is empty.")
    if kind := kind_of(content):
        return kind
    found = next((name for at, mark, name in OTHER_KINDS if content[at : at + len(mark)] == mark), "")
    seen = f"Its content is {found}." if found else "Its content is not a known kind of sound."
    raise SoundRefused("wrong_type", f"This is not a WAV, FLAC, Ogg (Opus or Vorbis) or MP3 file. {seen}")


def check_header(sound: Sound, container: str) -> None:
    """Raises SoundRefused for uploads that can be refused without decoding."""
    if FORMATS.get(sound.format) != container or (container == "wav" and sound.codec not in WAV_CODECS):
        raise SoundRefused(
            "wrong_type", "The file contains a kind of sound that is not supported. Save it as plain WAV or FLAC."
        )
    if not LOWEST_RATE_HZ <= sound.rate_hz <= HIGHEST_RATE_HZ:
        raise SoundRefused(
            "wrong_type",
            f"Its sample rate is {sound.rate_hz} Hz; 8 to 192 kHz are supported, and 24 kHz or more is best.",
        )
    if sound.channels > MAX_CHANNELS:
        raise SoundRefused("wrong_type", f"It has {sound.channels} channels; at most {MAX_CHANNELS} are supported.")
    if 0 < sound.declared < 2**62:  # The number is unknown for some streams.
        _check_length(sound.declared, sound)


def _check_length(frames: int, sound: Sound) -> None:
    if frames > MAX_SEC * sound.rate_hz:
        minutes = frames / sound.rate_hz / 60
        length = f"{minutes / 60:.1f} hours" if minutes > 90 else f"{minutes:.0f} minutes"
        raise SoundRefused(
            "too_long", f"It is {length} long. Choose a part of 10 to 30 seconds; the limit is 15 minutes."
        )
    if frames * sound.channels * 4 > MAX_DECODED_BYTES:
        raise SoundRefused(
            "too_large", f"It would decode to more than {MAX_DECODED_BYTES // 2**20} MB. Choose a short part."
        )


def decode(content: bytes, out: int) -> tuple[Facts, npt.NDArray[np.int16]]:
    """Decodes everything to PCM16 [n] at 24 kHz, returns it and writes it to `out`. Raises SoundRefused."""
    container = container_of(content)
    with Sound(content) as sound:
        check_header(sound, container)
        facts, samples = _decode_blocks(sound, container, out)
    if facts.duration_sec < MIN_SEC:
        raise SoundRefused("too_short", f"It is {facts.duration_sec:.1f} s long. Choose 10 to 30 seconds of speech.")
    return facts, samples


def _decode_blocks(sound: Sound, container: str, out: int) -> tuple[Facts, npt.NDArray[np.int16]]:
    resampler = soxr.ResampleStream(sound.rate_hz, RATE_HZ, 1, dtype="float32", quality="VHQ")
    counts = np.zeros(LEVELS + 1, np.int64)
    parts = []
    frames = 0

    def add(block: npt.NDArray[np.float32], *, last: bool = False) -> None:
        mono = resampler.resample_chunk(block.mean(1, dtype=np.float32), last=last)
        pcm = np.clip(np.rint(mono * 32_768), -32_768, 32_767).astype("<i2")
        os.write(out, pcm.tobytes())
        parts.append(pcm)

    for block in sound.blocks():
        frames += len(block)
        _check_length(frames, sound)
        counts += np.bincount(np.minimum(np.abs(block) * LEVELS, LEVELS).astype(np.int64).ravel(), minlength=LEVELS + 1)
        add(block)
    add(np.zeros((0, sound.channels), np.float32), last=True)
    facts = Facts(container, sound.codec, sound.rate_hz, sound.channels, frames / sound.rate_hz, clipped_share(counts))
    return facts, np.concatenate(parts)


def clipped_share(counts: npt.NDArray[np.int64]) -> float:
    """Returns the share of clipped samples: those at full scale, or piled up at the highest level that occurs.

    Speech comes near its peak in a few of a hundred thousand samples. Where it was clipped, everything beyond the limit
    is at one level. `counts` [LEVELS + 1] are by amplitude."""
    total = int(counts.sum())
    if not total:
        return 0.0
    at_full_scale = int(counts[int(FULL_SCALE * LEVELS) :].sum())
    highest = int(np.flatnonzero(counts)[-1])
    heaped = int(counts[max(0, highest - 1) : highest + 1].sum()) if highest > LEVELS // 50 else 0
    return max(at_full_scale, heaped) / total


def assessed(pcm: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    """Returns what is judged, float32 [n]: the whole recording or, of a long one, PARTS that are evenly spread."""
    most = ASSESSED_SEC * RATE_HZ
    if len(pcm) > most:
        part = most // PARTS
        starts = np.linspace(0, len(pcm) - part, PARTS).astype(int)
        pcm = np.concatenate([pcm[start : start + part] for start in starts])
    return pcm.astype(np.float32) / np.float32(32_768)


def confine() -> None:
    """Gives up what decoding does not need. The network is cut off only where the system can do so."""
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux":
        libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
        libc.unshare(0x10000000 | 0x40000000)  # CLONE_NEWUSER | CLONE_NEWNET: an empty network of its own
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        _limit(resource.RLIMIT_AS, pages * os.sysconf("SC_PAGE_SIZE") + MEMORY_BYTES)
    _limit(resource.RLIMIT_CPU, CPU_SEC)
    _limit(resource.RLIMIT_FSIZE, OUTPUT_BYTES)
    _limit(resource.RLIMIT_CORE, 0)
    while (fd := os.dup(0)) < 8:  # With the numbers below this limit taken, nothing more can be opened.
        pass
    os.close(fd)
    _limit(resource.RLIMIT_NOFILE, fd)


def _limit(what: int, most: int) -> None:
    resource.setrlimit(what, (most, most))


def main() -> None:
    report = os.dup(2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # Codecs print messages of their own there.
    confine()
    result: dict[str, Any]
    try:
        facts, pcm = decode(sys.stdin.buffer.read(), 1)
        result = {"facts": asdict(facts), "quality": assess(assessed(pcm), facts.clipped_share, facts.rate_hz)}
    except SoundRefused as error:
        result = {"code": error.code, "message": str(error)}
    except MemoryError:
        result = {"code": "too_large", "message": "Decoding it needs too much memory. Choose a short part of it."}
    os.write(report, json.dumps(result).encode())


if __name__ == "__main__":
    main()
