from __future__ import annotations

import numpy as np
import pytest

from inference.engines.cascade.hearing.turn_end import log_mel


def test_features_are_those_of_the_reference_extractor() -> None:
    """The numbers are those of the extractor that comes with smart-turn, for this chirp."""
    t = np.arange(128_000) / 16_000
    features = log_mel((0.3 * np.sin(2 * np.pi * (100 * t + 250 * t * t))).astype(np.float32))
    places = ((0, 0), (10, 100), (40, 400), (60, 600), (79, 799))
    assert features.shape == (80, 800)
    assert [float(features[place]) for place in places] == pytest.approx(
        [1.61679, -0.0411, -0.0163, -0.32166, -0.32166], abs=1e-5
    )
    assert (float(features.mean()), float(features.std())) == pytest.approx((-0.18477376, 0.39611083), abs=1e-6)


def test_silence_has_finite_features() -> None:
    assert np.isfinite(log_mel(np.zeros(128_000, np.float32))).all()
