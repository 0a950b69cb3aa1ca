from __future__ import annotations

import numpy as np
import pytest

from inference.contract.resampling import Resampler
from tests.signals import measured_f0_hz, tone, vowel


@pytest.mark.parametrize(("from_hz", "to_hz"), [(16_000, 24_000), (24_000, 16_000), (48_000, 24_000), (44_100, 24_000)])
@pytest.mark.parametrize("size", [1, 160, 1_920, 100_000])
def test_push_chunks_of_any_size_make_one_stream(from_hz: int, to_hz: int, size: int) -> None:
    pcm = vowel(150.0, 0.2)[:4_000]
    whole = Resampler(from_hz, to_hz)
    chunked = Resampler(from_hz, to_hz)
    expected = np.concatenate([whole.push(pcm), whole.finish()])
    chunks = [chunked.push(pcm[start : start + size]) for start in range(0, len(pcm), size)]
    np.testing.assert_allclose(np.concatenate([*chunks, chunked.finish()]), expected, atol=1e-6)
    assert abs(len(expected) - len(pcm) * to_hz / from_hz) <= 1


def test_push_keeps_the_pitch() -> None:
    resampler = Resampler(48_000, 24_000)
    doubled = tone(110.0, 1.0)  # read as 48 kHz it is an octave higher
    pcm = np.concatenate([resampler.push(doubled), resampler.finish()])
    assert measured_f0_hz(pcm) == pytest.approx(220.0, rel=0.001)


def test_finish_begins_a_new_stream() -> None:
    pcm = vowel(150.0, 0.1)
    resampler = Resampler(16_000, 24_000)
    first = np.concatenate([resampler.push(pcm), resampler.finish()])
    np.testing.assert_array_equal(np.concatenate([resampler.push(pcm), resampler.finish()]), first)


def test_push_same_rate_is_untouched() -> None:
    pcm = vowel(150.0, 0.1)
    resampler = Resampler(24_000, 24_000)
    assert resampler.push(pcm) is pcm
    assert len(resampler.finish()) == 0
