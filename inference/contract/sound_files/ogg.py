"""Ogg, whatever is in it: its pages."""

from __future__ import annotations

from typing import Final

from inference.contract.sound_files.checksums import checksum
from inference.contract.sound_files.refusals import chained, damaged, truncated

FIRST: Final = 0x02
LAST: Final = 0x04
HEADER_BYTES: Final = 27


def ended_ogg(content: bytes) -> bytes:
    """The same pages, the last of them marked as the last, which not every encoder does. Raises SoundRefused for a last
    page or packet that is not whole, and for a second stream behind the first."""
    at, last, began, is_open = 0, 0, False, False
    while content[at : at + 4] == b"OggS":
        if len(content) < at + HEADER_BYTES + (content[at + 26] if len(content) > at + 26 else 0):
            raise truncated()
        is_first = bool(content[at + 5] & FIRST)
        if is_first and began:
            raise chained()
        began = began or not is_first
        lacing = content[at + HEADER_BYTES : at + HEADER_BYTES + content[at + 26]]
        is_open = lacing[-1:] == b"\xff"
        last, at = at, at + HEADER_BYTES + len(lacing) + sum(lacing)
    is_marked = bool(content[last + 5] & LAST)
    if at > len(content) or is_open or (at < len(content) and not is_marked):
        raise truncated()
    page = bytearray(content[last:at])
    known = {_sum(page)}
    page[5] |= LAST
    known.add(_sum(page))
    if int.from_bytes(page[22:26], "little") not in known:
        raise damaged()
    page[22:26] = _sum(page).to_bytes(4, "little")
    return content[:last] + bytes(page)


def _sum(page: bytearray) -> int:
    return checksum(bytes(page[:22]) + bytes(4) + page[26:], 0x04C11DB7, 32)
