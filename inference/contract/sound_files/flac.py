"""FLAC whose encoder did not know how long it would be."""

from __future__ import annotations

import re
from typing import Final

from inference.contract.sound_files.checksums import checksum
from inference.contract.sound_files.refusals import truncated

SYNC: Final = re.compile(rb"\xff[\xf8\xf9]")
LAST_FRAME_BYTES: Final = 2**20  # where the last frame is looked for


def counted_flac(content: bytes) -> bytes:
    """FLAC, its number of samples filled in if an encoder that streams left it open: its last frame says it."""
    head = bytearray(content[:26])
    if len(content) < 42 or head[21] & 0x0F or any(head[22:26]):
        return content
    samples = _samples_at_end(content[:-128] if content[-128:-125] == b"TAG" else content)
    head[21] |= samples >> 32
    head[22:26] = (samples & 0xFFFFFFFF).to_bytes(4, "big")
    return bytes(head) + content[26:]


def _samples_at_end(content: bytes) -> int:
    """The number of the sample behind the last frame. Raises SoundRefused if that frame is not whole.

    The checksum of a frame makes that of the whole frame, itself included, zero."""
    found = SYNC.finditer(content, max(42, len(content) - LAST_FRAME_BYTES))
    usual = int.from_bytes(content[10:12], "big")  # the largest block
    for at in reversed([match.start() for match in found]):
        samples = _frame_end(content[at : at + 16], usual)
        if samples is not None and checksum(content[at:], 0x8005, 16) == 0:
            return samples
    raise truncated()


def _frame_end(head: bytes, usual: int) -> int | None:
    """The number of the sample behind the frame with this header; None for what is no header (RFC 9639, 9.1)."""
    if len(head) < 16:
        head = head.ljust(16, b"\0")
    size_code, rate_code = head[2] >> 4, head[2] & 0x0F
    more = next((n for n in range(8) if not head[4] << n & 0x80), 8)  # bytes of the number, as in UTF-8
    if more in {1, 8} or size_code == 0:
        return None
    number = head[4] & (0x7F >> more)
    at = 5
    for byte in head[5 : 4 + max(1, more)]:
        number, at = number << 6 | byte & 0x3F, at + 1
    if size_code in {6, 7}:
        wide = size_code - 5
        block, at = int.from_bytes(head[at : at + wide], "big") + 1, at + wide
    else:
        block = 192 if size_code == 1 else 576 << size_code - 2 if size_code < 6 else 256 << size_code - 8
    at += {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if at >= len(head) or checksum(head[:at], 0x07, 8) != head[at]:
        return None
    return (number if head[1] & 1 else number * usual) + block
