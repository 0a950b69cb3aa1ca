"""Ogg-Opus as Moshi's clients stream it: 24 kHz, mono, one or more pages in a message.

sphn puts a packet of 40 ms in each page and declares a pre-skip of 3,840 samples (80 ms at 48 kHz). Players remove the
pre-skip, but sphn's own reader does not; the codec itself delays by 155 samples.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import sphn

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32
from inference.contract.errors import WireError

SLICE_BYTES: Final = 4_096  # the reader decodes 5 s in one go and fails beyond that
MAX_CHANNELS: Final = 2  # a mono decoder mixes two down; more channels would be several streams
PAGE: Final = b"OggS"
FIRST_PAGE: Final = 0x02  # one of the header's flags
EXPECTED: Final = "Ogg-Opus, mono or stereo"


class OpusInput:
    """Decodes the pages of one conversation to frames of an engine step."""

    def __init__(self) -> None:
        self._reader = sphn.OpusStreamReader(SAMPLE_RATE_HZ)
        self._rest = np.zeros(0, np.float32)

    def push(self, data: bytes) -> list[Float32]:
        """Decodes the body of one message to whole frames, float32 [FRAME_SAMPLES] each, and keeps the rest for the
        next one.

        A message that begins with a page is decoded whatever came before it. Raises WireError for another format."""
        check_first_page(data)
        try:
            pieces = self._decode(data)
        except ValueError as error:
            self._reader = sphn.OpusStreamReader(SAMPLE_RATE_HZ)  # the old reader would raise on every call
            if not data.startswith(PAGE):
                raise WireError(EXPECTED, f"{len(data)} other bytes") from error
            pieces = self._decode_anew(data)
        samples = np.concatenate([self._rest, *pieces]) if len(self._rest) or len(pieces) != 1 else pieces[0]
        whole = len(samples) // FRAME_SAMPLES * FRAME_SAMPLES
        self._rest = samples[whole:]
        return [samples[start : start + FRAME_SAMPLES] for start in range(0, whole, FRAME_SAMPLES)]

    def _decode(self, data: bytes) -> list[Float32]:
        slices = (data[start : start + SLICE_BYTES] for start in range(0, len(data), SLICE_BYTES))
        return [self._reader.append_bytes(piece) for piece in slices]

    def _decode_anew(self, data: bytes) -> list[Float32]:
        try:
            return self._decode(data)
        except ValueError as error:
            self._reader = sphn.OpusStreamReader(SAMPLE_RATE_HZ)
            raise WireError(EXPECTED, f"a page of {len(data)} bytes that is none") from error


class OpusOutput:
    """Encodes frames of an engine step to the pages of one conversation."""

    def __init__(self) -> None:
        self._writer = sphn.OpusStreamWriter(SAMPLE_RATE_HZ)

    def push(self, samples: Float32) -> bytes:
        """Encodes float32 [n]; returns the complete pages, with the headers before the first, or b"" if there are
        none."""
        pages: bytes = self._writer.append_pcm(samples)
        return pages


def check_first_page(data: bytes) -> None:
    """Raises WireError if `data` begins a stream that is not Opus (RFC 7845, section 5.1).

    The sample rate in the header is that of the original sound, not of the coding, so any rate is accepted."""
    if not data.startswith(PAGE) or len(data) < 28 or not data[5] & FIRST_PAGE:
        return
    packet = data[27 + data[26] :]
    if packet[:8] != b"OpusHead":
        raise WireError(EXPECTED, "another codec in Ogg")
    if len(packet) > 9 and packet[9] > MAX_CHANNELS:
        raise WireError(EXPECTED, f"{packet[9]} channels")
