"""A process that encodes the audio for all chat clients of a worker: python -m inference.worker.doors.chat.encoder

sphn holds the GIL while it encodes, up to 1 ms per frame. In the worker's own process the step thread would wait for
it, once per client in every step.

A message on standard input or output is stream (uint32), length (uint32), then that many bytes: PCM16 in, Ogg pages
out. Length 0 ends a stream and is not answered. The process ends when its input ends.
"""

from __future__ import annotations

import struct
import sys
from typing import BinaryIO, Final

from inference.contract.audio import pcm16_to_float32
from inference.worker.doors.chat.opus import OpusOutput

HEADER: Final = struct.Struct("<II")


def main(commands: BinaryIO, pages: BinaryIO) -> None:
    streams: dict[int, OpusOutput] = {}
    while len(header := commands.read(HEADER.size)) == HEADER.size:
        stream, length = HEADER.unpack(header)
        if not length:
            streams.pop(stream, None)
            continue
        encoded = streams.setdefault(stream, OpusOutput()).push(pcm16_to_float32(commands.read(length)))
        pages.write(HEADER.pack(stream, len(encoded)) + encoded)
        pages.flush()


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
