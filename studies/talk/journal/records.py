"""The journal's format: one record with a checksum for every wire message of a take, exactly as it passed.

A file is `MAGIC`, then records. A record is, little-endian: mark (4 bytes), CRC-32 of all that follows (uint32), length
of the message (uint32), time in microseconds since 1970 (uint64), the message. An audio message carries its track (the
type byte), sequence and place on the microphone clock in its own header (see `contract.wire`); events are metadata
messages. So nothing is stored twice, and a frame is journalled without being parsed.
"""

from __future__ import annotations

import json
import mmap
import struct
import time
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from inference.contract.wire import AUDIO_HEADER, MAX_OPUS_BYTES, Kind

MAGIC: Final = b"HMOJRNL1"
MARK: Final = b"\xf1HMO"
MAX_MESSAGE_BYTES: Final = 4 * MAX_OPUS_BYTES
_CHECKED = struct.Struct("<IQ")  # the checksum covers these fields and the message
_CHECKSUM = struct.Struct("<4sI")
HEADER_BYTES: Final = _CHECKSUM.size + _CHECKED.size


@dataclass(frozen=True, slots=True)
class Record:
    """One message and the time at which it passed."""

    time_us: int
    message: bytes

    @property
    def kind(self) -> int:
        return self.message[0]

    @property
    def place(self) -> tuple[int, int]:
        """Returns (sequence or step, sample) of an audio message."""
        _, sequence, sample = AUDIO_HEADER.unpack_from(self.message)
        return sequence, sample

    @property
    def pcm(self) -> bytes:
        """Returns the samples of an audio message."""
        return self.message[AUDIO_HEADER.size :]

    def event(self) -> dict[str, Any]:
        """Returns the JSON object of a metadata message, including its "event", or an empty one if it is unreadable."""
        try:
            value = json.loads(self.message[1:])
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that do not form records. They are `torn` if nothing readable follows, as after an interrupted write."""

    offset: int
    size: int
    torn: bool


def now_us() -> int:
    """Returns the time on the clock of `Record.time_us`."""
    return time.time_ns() // 1_000


def pack(message: bytes, time_us: int) -> bytes:
    """Encodes one record."""
    checked = _CHECKED.pack(len(message), time_us)
    return b"".join((_CHECKSUM.pack(MARK, zlib.crc32(message, zlib.crc32(checked))), checked, message))


def pack_event(event: str, data: Mapping[str, Any]) -> bytes:
    """Encodes a metadata message for the journal only. It need not be one of the wire's events and is not checked."""
    return bytes([Kind.METADATA]) + json.dumps({"event": event, **data}, ensure_ascii=False).encode()


def scan(data: bytes | mmap.mmap) -> Iterator[Record | Damage]:
    """Yields all records in order, and a Damage for each damaged stretch that it skips, whatever the bytes."""
    offset, end = len(MAGIC), len(data)
    if data[:offset] != MAGIC:
        offset = 0  # the header is incomplete or overwritten, but what follows may still be readable
    while offset < end:
        found = _record_at(data, offset)
        if found is not None:
            yield found
            offset += HEADER_BYTES + len(found.message)
            continue
        start = offset
        offset = data.find(MARK, start + 1)
        while offset >= 0 and _record_at(data, offset) is None:
            offset = data.find(MARK, offset + 1)
        if offset < 0:
            yield Damage(start, end - start, torn=True)
            return
        yield Damage(start, offset - start, torn=False)


def _record_at(data: bytes | mmap.mmap, offset: int) -> Record | None:
    """Returns the record at `offset`, or None if it is incomplete or its checksum is wrong."""
    start = offset + HEADER_BYTES
    if data[offset : offset + len(MARK)] != MARK or start > len(data):
        return None
    _, checksum = _CHECKSUM.unpack_from(data, offset)
    size, time_us = _CHECKED.unpack_from(data, offset + _CHECKSUM.size)
    if not 0 < size <= MAX_MESSAGE_BYTES or start + size > len(data):
        return None
    message = data[start : start + size]
    checked = data[offset + _CHECKSUM.size : start]
    return Record(time_us, message) if zlib.crc32(message, zlib.crc32(checked)) == checksum else None
