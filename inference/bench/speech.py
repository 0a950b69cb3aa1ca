"""Speech-like sound for the rows of a benchmark: voiced syllables in phrases, with pauses, another voice in every row.

Engines may do less for silence or for a pure tone, so neither would tell what a conversation costs.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from inference.contract.audio import SAMPLE_RATE_HZ, Float32

PHRASE_SEC: Final = 2.4
PAUSE_SEC: Final = 1.1
SYLLABLES_PER_SEC: Final = 4.2
HARMONICS: Final = 20
LEVEL: Final = 0.1  # root mean square of the phrases, about a microphone's


def speech(seed: int, samples: int) -> Float32:
    """float32 [samples] at 24 kHz; the same for the same seed."""
    rng = np.random.default_rng(seed)
    time_sec = np.arange(samples) / SAMPLE_RATE_HZ
    phase_sec = time_sec + rng.uniform(0, PHRASE_SEC + PAUSE_SEC)
    f0_hz = rng.uniform(95, 230) * (1 + 0.12 * np.sin(2 * np.pi * 0.7 * phase_sec))
    phase = 2 * np.pi * np.cumsum(f0_hz) / SAMPLE_RATE_HZ
    formant_hz = 500 + 300 * np.sin(2 * np.pi * SYLLABLES_PER_SEC / 3 * phase_sec)
    voiced = np.zeros(samples)
    for number in range(1, HARMONICS + 1):
        distance = (number * f0_hz - formant_hz) / 400
        voiced += np.sin(number * phase) * (np.exp(-(distance**2)) + 0.1) / number**0.5
    syllables = 0.5 - 0.5 * np.cos(2 * np.pi * SYLLABLES_PER_SEC * phase_sec)
    talking = phase_sec % (PHRASE_SEC + PAUSE_SEC) < PHRASE_SEC
    sound = voiced * syllables * talking
    sound *= LEVEL / max(1e-9, float(np.sqrt(np.mean(sound**2))))
    return np.clip(sound + rng.normal(0, 1e-3, samples), -1, 1).astype(np.float32)
