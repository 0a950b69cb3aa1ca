"""WAV, and its relatives for long files: RF64, BW64 and Sony's W64."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

from inference.contract.sound_files.refusals import SoundRefused, damaged, truncated

PLACEHOLDER_BYTES: Final = 10**9  # No recording that is read here is as long; encoders that stream declare more.
W64_DATA: Final = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
W64_FMT: Final = b"fmt " + W64_DATA[4:]
W64_START: Final = b"riff\x2e\x91\xcf\x11"


def plain_wav(content: bytes) -> bytes:
    """WAV, RF64, BW64 or W64 -> WAV with the format and the samples alone."""
    form, start, declared = b"", 0, 0
    for name, at, size in _chunks(content):
        if name == b"fmt ":
            form = content[at : at + size]
        elif name == b"data":
            start, declared = at, size
            break
    if not start:
        raise truncated() if form or len(content) < 44 else damaged()
    if len(form) < 16:
        raise damaged()
    rest = len(content) - start
    size = min(declared, rest)
    said = {int.from_bytes(content[4:8], "little"), len(content)}
    if (
        (declared == 0 and not _are_chunks(content, start))
        or (declared > rest and (declared >= PLACEHOLDER_BYTES or declared in said))  # its own headers counted as sound
    ):
        size = rest
    elif declared > rest:
        raise truncated()
    size -= size % max(1, int.from_bytes(form[12:14], "little"))  # whole samples
    if size > 2**32 - 128:
        raise SoundRefused("too_large", "It is larger than 4 GB. Choose a short part.")
    head = struct.pack("<4sI8sI", b"RIFF", 20 + len(form) + size, b"WAVEfmt ", len(form)) + form
    return b"".join([head, struct.pack("<4sI", b"data", size), memoryview(content)[start : start + size]])


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """(name, where its content begins, declared size) of each chunk."""
    if content[:8] == W64_START:
        at = 40
        while at + 24 <= len(content):
            size = max(0, int.from_bytes(content[at + 16 : at + 24], "little") - 24)
            guid = content[at : at + 16]
            yield guid[:4] if guid in {W64_DATA, W64_FMT} else guid, at + 24, size
            at += -(-(24 + size) // 8) * 8
        return
    at, long_size = 12, 0
    while at + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        if name == b"ds64":
            long_size = int.from_bytes(content[at + 16 : at + 24], "little")
        yield name, at + 8, long_size if name == b"data" and size == 2**32 - 1 and long_size else size
        at += 8 + size + size % 2


def _are_chunks(content: bytes, at: int) -> bool:
    """Whether what follows is nothing, or whole chunks: there is then no sound, rather than a size left open."""
    while at + 8 <= len(content):
        name, size = struct.unpack_from("<4sI", content, at)
        if not re.fullmatch(rb"[A-Za-z0-9_ ]{4}", name):
            return False
        at += 8 + size + size % 2
    return at - len(content) in {0, 1}
