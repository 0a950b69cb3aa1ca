"""The one audio format between browser, web and worker: 24 kHz mono, 16-bit on the wire, float32 inside."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float32 = npt.NDArray[np.float32]
Int16 = npt.NDArray[np.int16]

SAMPLE_RATE_HZ = 24_000
FRAME_SAMPLES = 1_920  # one engine step
UPLINK_SAMPLES = 480  # one microphone frame: a quarter of a step, for low delay
UPLINK_PER_FRAME = FRAME_SAMPLES // UPLINK_SAMPLES
FRAME_MS = 1_000 * FRAME_SAMPLES // SAMPLE_RATE_HZ
FRAME_SEC = FRAME_SAMPLES / SAMPLE_RATE_HZ
UPLINK_MS = 1_000 * UPLINK_SAMPLES // SAMPLE_RATE_HZ
BYTES_PER_SAMPLE = 2
PCM16_SCALE = 32_768.0


def pcm16_to_float32(pcm: bytes | bytearray | memoryview) -> Float32:
    """Little-endian PCM16 [n * 2 bytes] -> float32 [n] in [-1, 1). Raises ValueError on an odd length."""
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / np.float32(PCM16_SCALE)


def float32_to_pcm16(samples: Float32) -> bytes:
    """float32 [n] -> little-endian PCM16 [n * 2 bytes]; rounds to nearest and clips, exact inverse of the above."""
    scaled = np.rint(samples * np.float32(PCM16_SCALE))
    pcm: Int16 = np.clip(scaled, -PCM16_SCALE, PCM16_SCALE - 1).astype("<i2")
    return pcm.tobytes()


def samples_to_ms(samples: int) -> float:
    """Samples at 24 kHz -> milliseconds."""
    return samples * 1_000 / SAMPLE_RATE_HZ
