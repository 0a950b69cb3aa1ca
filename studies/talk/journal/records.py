"""The journal's format: one record for every wire message of a take, as it passed, with a checksum.

A file is `MAGIC`, then records. A record is, little-endian: mark (4 bytes), CRC-32 of all that follows (uint32), length
of the message (uint32), time in microseconds since 1970 (uint64), the message. An audio message carries its track (the
type byte), sequence and place on the microphone clock in its own header (see `contract.wire`); events are metadata
messages. So nothing is told twice, and a frame is journalled without being taken apart.
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
_CHECKED = struct.Struct("<IQ")  # what the checksum covers, with the message
_CHECKSUM = struct.Struct("<4sI")
HEADER_BYTES: Final = _CHECKSUM.size + _CHECKED.size


@dataclass(frozen=True, slots=True)
class Record:
    """One message that passed, and when."""

    time_us: int
    message: bytes

    @property
    def kind(self) -> int:
        return self.message[0]

    @property
    def place(self) -> tuple[int, int]:
        """(sequence or step, sample) of an audio message."""
        _, sequence, sample = AUDIO_HEADER.unpack_from(self.message)
        return sequence, sample

    @property
    def pcm(self) -> bytes:
        """Samples of an audio message."""
        return self.message[AUDIO_HEADER.size :]

    def event(self) -> dict[str, Any]:
        """The JSON object of a metadata message, with its "event"; empty when it cannot be read."""
        try:
            value = json.loads(self.message[1:])
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes that are no records. `torn` when nothing readable follows: a write that was cut off."""

    offset: int
    size: int
    torn: bool


def now_us() -> int:
    """The clock of `Record.time_us`."""
    return time.time_ns() // 1_000


def pack(message: bytes, time_us: int) -> bytes:
    """One record."""
    checked = _CHECKED.pack(len(message), time_us)
    return b"".join((_CHECKSUM.pack(MARK, zlib.crc32(message, zlib.crc32(checked))), checked, message))


def pack_event(event: str, data: Mapping[str, Any]) -> bytes:
    """A metadata message of the journal's own: not checked against the wire's events, which it need not be one of."""
    return bytes([Kind.METADATA]) + json.dumps({"event": event, **data}, ensure_ascii=False).encode()


def scan(data: bytes | mmap.mmap) -> Iterator[Record | Damage]:
    """All records in order. What is damaged is named and stepped over, whatever the bytes."""
    offset, end = len(MAGIC), len(data)
    if data[:offset] != MAGIC:
        offset = 0  # a header cut off or overwritten: what follows it may still be read
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
    """The record that starts at `offset`; None unless it is whole and its checksum holds."""
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
