"""MP3: a row of frames, the first of which may say how many there are (as Xing's encoder began to do).

Where nothing says it, libsndfile guesses from the first frame, and leaves away the rest of what is longer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from inference.contract.sound_files.refusals import chained, damaged, truncated

BIT_RATES: Final = {  # kbit/s of layer III, by index
    True: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
RATES_HZ: Final = (44_100, 48_000, 32_000)
USUAL_INDEX: Final = 9  # a frame of this bit rate has room for the count
NAMES: Final = {b"Xing", b"Info"}
ANOTHER: Final = re.compile(rb"ID3[\x02-\x04]\x00")


@dataclass(frozen=True, slots=True)
class Frame:
    """The head of a frame."""

    head: bytes
    size: int

    @property
    def is_version_1(self) -> bool:
        return self.head[1] & 0x18 == 0x18

    @property
    def name_at(self) -> int:
        """Where a first frame says what it is: behind what would describe its sound."""
        is_mono = self.head[3] >> 6 == 3
        return 4 + ((17 if is_mono else 32) if self.is_version_1 else (9 if is_mono else 17))


def frame_of(head: bytes) -> Frame | None:
    """None for what is no head of a layer III frame of a bit rate that is told."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2 or head[1] & 0x18 == 0x08:
        return None
    index, rate = head[2] >> 4, head[2] >> 2 & 3
    if not 0 < index < 15 or rate == 3:
        return None
    version_1 = head[1] & 0x18 == 0x18
    rate_hz = RATES_HZ[rate] // (1 if version_1 else 2 if head[1] & 0x10 else 4)
    bits = BIT_RATES[version_1][index] * 1_000
    return Frame(bytes(head[:4]), (144 if version_1 else 72) * bits // rate_hz + (head[2] >> 1 & 1))


def counted_mp3(content: bytes) -> bytes:
    """The same frames, counted in the first. Raises SoundRefused for a last frame that is not whole, for fewer than
    were counted, and for a second count behind the first."""
    start = _begin(content, 0)
    first = frame_of(content[start : start + 4]) if start is not None else None
    if start is None or first is None:
        raise damaged()
    name_at = start + first.name_at
    counts = content[name_at : name_at + 4] in NAMES
    at, frames = start, 0
    while True:
        frame = frame_of(content[at : at + 4])
        if frame is not None:
            if frames and content[at + frame.name_at : at + frame.name_at + 4] in NAMES:
                raise chained()
            at, frames = at + frame.size, frames + 1
        elif ANOTHER.match(content, at):
            raise chained()
        elif (found := _begin(content, at)) is not None:  # behind something that is no frame
            at = found
        else:
            break
    if at > len(content):
        raise truncated()
    if not counts:
        return _count(first, frames) + content[start:at]
    frames -= 1
    if content[name_at + 7] & 1:
        if frames < int.from_bytes(content[name_at + 8 : name_at + 12], "big"):
            raise truncated()
        return content[start : name_at + 8] + frames.to_bytes(4, "big") + content[name_at + 12 : at]
    return _count(first, frames) + content[start + first.size : at]


def _begin(content: bytes, at: int) -> int | None:
    """Where the next frame is that another follows; None if there is none."""
    while (at := content.find(b"\xff", at)) >= 0:
        frame = frame_of(content[at : at + 4])
        if frame is not None and frame_of(content[at + frame.size : at + frame.size + 4]) is not None:
            return at
        at += 1
    return None


def _count(first: Frame, frames: int) -> bytes:
    head = bytearray(first.head)
    head[1] |= 1  # no checksum
    head[2] = USUAL_INDEX << 4 | head[2] & 0x0D
    frame = frame_of(bytes(head))
    assert frame is not None
    said = bytes(head).ljust(frame.name_at, b"\0") + b"Xing\0\0\0\1" + frames.to_bytes(4, "big")
    return said.ljust(frame.size, b"\0")
