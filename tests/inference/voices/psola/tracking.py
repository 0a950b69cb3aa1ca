"""Reads what a stream has decided, for tests and benchmarks."""

from __future__ import annotations

import numpy as np

from inference.contract.audio import SAMPLE_RATE_HZ, UPLINK_SAMPLES, Float32
from inference.contract.latency import HOP_SAMPLES, LAG_FRAMES, half_window_samples
from inference.voices.psola import PsolaStream
from inference.voices.psola.state import FRAMES_KEPT
from tests.signals import Float64


def tracked_f0_hz(samples: Float32, floor_hz: float, every_sec: float = 0.01) -> Float64:
    """F0 at 0, `every_sec` and so on, 0 where unvoiced."""
    stream = PsolaStream({"floor_hz": floor_hz})
    decided: list[float] = []
    for start in range(0, len(samples) // UPLINK_SAMPLES * UPLINK_SAMPLES, UPLINK_SAMPLES):
        stream.push(samples[start : start + UPLINK_SAMPLES])
        state = stream._state[0]
        decided += [
            state["f0_hz"][frame % FRAMES_KEPT] for frame in range(len(decided), state["analysed"] - LAG_FRAMES)
        ]
    times = np.arange(0, len(samples) / SAMPLE_RATE_HZ, every_sec)
    frames = np.rint((times * SAMPLE_RATE_HZ + half_window_samples(floor_hz)) / HOP_SAMPLES).astype(int)
    return np.array([decided[frame] if frame < len(decided) else 0.0 for frame in frames])
