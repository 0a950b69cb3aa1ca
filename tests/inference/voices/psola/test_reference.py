"""The compiled chain against the method written down in numpy."""

from __future__ import annotations

import numpy as np
import pytest

from inference.contract.audio import UPLINK_SAMPLES, Float32
from inference.voices.psola import PsolaStream
from tests.inference.voices.psola.reference import transformed
from tests.signals import noise, silence, vowel


@pytest.fixture(scope="module")
def speechlike() -> Float32:
    falling = np.linspace(230.0, 95.0, 50)
    spoken = [
        vowel(falling, 0.7),
        silence(0.1),
        noise(0.2, 0.1),
        silence(0.1),
        vowel(falling[::-1], 0.7, (300.0, 2_300.0)),
    ]
    joined = np.concatenate([silence(0.1), *spoken, silence(0.1)])
    return joined[: len(joined) // UPLINK_SAMPLES * UPLINK_SAMPLES]


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"f0_ratio": 1.7, "formant_ratio": 1.17},
        {"f0_ratio": 0.59, "formant_ratio": 0.855},
        {"formant_ratio": 0.7},
        {"floor_hz": 110.0},
    ],
    ids=str,
)
def test_compiled_chain_is_the_reference(speechlike: Float32, parameters: dict[str, float]) -> None:
    np.testing.assert_allclose(
        PsolaStream(parameters).push(speechlike), transformed(speechlike, **parameters), atol=1e-3
    )


def test_compiled_limiter_is_the_reference() -> None:
    loud = vowel(120.0, 0.5, peak=1.0)
    heard = PsolaStream({"formant_ratio": 1.5}).push(loud)
    np.testing.assert_allclose(heard, transformed(loud, formant_ratio=1.5), atol=1e-3)
