"""The parts of the chain one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from inference.contract.latency import LOOKAHEAD_SAMPLES, transform_latency_samples
from inference.contract.parameters import PARAMETERS
from inference.voices.psola import PsolaStream
from inference.voices.psola import state as psola_state
from inference.voices.psola.grains import random, read, transform, weigh
from inference.voices.psola.marks import best_match, hear, median_hz
from inference.voices.psola.state import BLOCK_SAMPLES, PHASES, Record, settings_of, state_after_open
from inference.voices.psola.stream import CEILING, follow, limit
from tests.inference.voices.psola.tracking import tracked_f0_hz
from tests.signals import Float64, cents, noise, silence, vowel

DEFAULTS = {name: parameter.default for name, parameter in PARAMETERS["transform"].items()}


def fresh_state(seed: int = 0) -> Record:
    return state_after_open(settings_of(DEFAULTS), seed)


def random_numbers(count: int, seed: int = 0) -> Float32:
    return np.random.default_rng(seed).uniform(-1, 1, count).astype(np.float32)


def test_latency_is_60_ms_at_most_and_40_ms_above_110_hz() -> None:
    assert [transform_latency_samples(floor_hz) / 24 for floor_hz in (60.0, 70.0, 110.0, 120.0)] == [60, 54, 39, 36]


@pytest.mark.parametrize("f0_hz", [75.0, 118.0, 260.0, 440.0])
def test_pitch_tracker_finds_f0(f0_hz: float) -> None:
    found = tracked_f0_hz(vowel(f0_hz, 1.0), 70.0)[10:90]
    assert max(abs(cents(f, f0_hz)) for f in found) < 5


@pytest.mark.parametrize("samples", [silence(0.5), noise(0.5, 0.3)], ids=["silence", "noise"])
def test_pitch_tracker_calls_what_has_no_pitch_unvoiced(samples: Float32) -> None:
    assert np.mean(tracked_f0_hz(samples, 70.0) > 0) < 0.1


def test_pitch_tracker_calls_the_hum_of_a_quiet_room_unvoiced() -> None:
    assert np.mean(tracked_f0_hz(0.0005 * vowel(100.0, 1.0), 70.0) > 0) == 0


def test_best_match_is_the_largest_normalised_correlation() -> None:
    searched, template = random_numbers(400), random_numbers(101, seed=1)
    energy = np.convolve(searched**2, np.ones(101), "valid")
    expected = np.correlate(searched, template, "valid") / np.sqrt(energy * np.dot(template, template))
    assert best_match(template, searched, 0.0) == pytest.approx(expected.argmax(), abs=0.5)


@pytest.mark.parametrize("shift", [0.0, 0.3, -0.45])
def test_best_match_tells_fractions_of_a_sample(shift: float) -> None:
    time = np.arange(400) / 40
    searched, template = np.sin(time - shift / 40) ** 3, (np.sin(time) ** 3)[150:251]
    found = best_match(template.astype(np.float32), searched[140:262].astype(np.float32), 0.0)
    assert found == pytest.approx(10 + shift, abs=0.02)


def test_best_match_of_silence_is_the_middle() -> None:
    assert best_match(np.zeros(101, np.float32), np.zeros(141, np.float32), 0.001) == 20


@pytest.mark.parametrize("speed", [0.7, 1.0, 1.3])
def test_read_follows_a_tone_at_its_speed(speed: float) -> None:
    tone = np.sin(2 * np.pi * 1_000 * np.arange(4_000) / SAMPLE_RATE_HZ).astype(np.float32)
    samples = np.empty(300, np.float32)
    kernels = settings_of({**DEFAULTS, "formant_ratio": speed})["kernels"][0]
    read(tone, kernels, 1_500.37, speed, samples)
    expected = np.sin(2 * np.pi * 1_000 * (1_500.37 + np.arange(300) * speed) / SAMPLE_RATE_HZ)
    assert np.abs(samples - expected).max() < 0.005


def test_read_has_a_phase_for_every_place_between_samples() -> None:
    samples = np.empty(3 * PHASES, np.float32)
    read(np.arange(64, dtype=np.float32), settings_of(DEFAULTS)["kernels"][0], 20.0, 1 / PHASES, samples)
    assert np.abs(samples - (20 + np.arange(3 * PHASES) / PHASES)).max() < 0.05


def test_weigh_is_a_hann_window() -> None:
    window = np.empty(1_143, np.float32)
    weigh(-571.3, 571.4, window)
    expected = 0.5 + 0.5 * np.cos(np.pi * (np.arange(1_143) - 571.3) / 571.4)
    np.testing.assert_allclose(window, expected, atol=1e-6)


@pytest.mark.parametrize("size", [2, 64, 512, 2_048])
def test_transform_is_fourier_s(size: int) -> None:
    values = (random_numbers(size) + 1j * random_numbers(size, seed=1)).astype(np.complex64)
    expected = np.fft.fft(values)
    transform(values)
    np.testing.assert_allclose(values, expected, atol=1e-4 * np.sqrt(size))


def test_random_numbers_are_even_and_belong_to_the_seed() -> None:
    def drawn(seed: int) -> Float64:
        state: Any = fresh_state(seed).view(np.recarray)[0]
        with np.errstate(over="ignore"):  # as meant: modulo 2**64
            return np.array([random.py_func(state) for _ in range(500)])  # type: ignore[attr-defined]

    assert abs(np.mean(drawn(1)) - 0.5) < 0.05
    assert drawn(1).min() >= 0
    assert drawn(1).max() < 1
    np.testing.assert_array_equal(drawn(1), drawn(1))
    assert not np.array_equal(drawn(1), drawn(2))


@pytest.mark.parametrize("share_low", [0.4, 0.6])
def test_median_is_of_the_time_heard(share_low: float) -> None:
    state: Any = fresh_state().view(np.recarray)[0]
    for f0_hz, duration_sec in ((100.0, share_low), (200.0, 1 - share_low)):
        hear.py_func(state, f0_hz, duration_sec)  # type: ignore[attr-defined]
    expected = 100.0 if share_low > 0.5 else 200.0
    assert abs(cents(median_hz.py_func(state), expected)) < 2  # type: ignore[attr-defined]


def through_level(function: Any, *signals: Float32) -> Float32:
    """`follow` or `limit` over blocks of their input."""
    state: Any = fresh_state().view(np.recarray)[0]
    heard = []
    for start in range(0, len(signals[0]), BLOCK_SAMPLES):
        blocks = [signal[start : start + BLOCK_SAMPLES].copy() for signal in signals]
        if function is limit:
            changed = np.empty(BLOCK_SAMPLES, np.float32)
            limit.py_func(state, blocks[0], changed)
        else:
            state.signal[-BLOCK_SAMPLES:], state.received = blocks[1], start + BLOCK_SAMPLES
            state.done, changed = start + BLOCK_SAMPLES, blocks[0]
            follow.py_func(state, changed)  # type: ignore[attr-defined]
        heard.append(changed)
    return np.concatenate(heard)


def test_level_follower_restores_the_level() -> None:
    spoken = random_numbers(9_600)
    followed = through_level(follow, np.float32(0.6) * spoken, spoken)
    assert np.std(followed[4_800:]) == pytest.approx(np.std(spoken[4_800:]), rel=0.01)


def test_limiter_leaves_quiet_signals_alone() -> None:
    quiet = np.float32(0.9) * random_numbers(2_400)
    np.testing.assert_array_equal(through_level(limit, quiet)[LOOKAHEAD_SAMPLES:], quiet[:-LOOKAHEAD_SAMPLES])


def test_limiter_keeps_the_ceiling() -> None:
    limited = through_level(limit, np.float32(3) * random_numbers(2_400))
    assert 0.5 < np.abs(limited).max() <= CEILING


def test_limiter_turns_down_a_lone_peak_without_a_step() -> None:
    steady = np.full(2_400, 0.5, np.float32)
    steady[1_200] = 2.0
    limited = np.delete(through_level(limit, steady), 1_200 + LOOKAHEAD_SAMPLES)
    assert np.abs(np.diff(limited[2 * LOOKAHEAD_SAMPLES :])).max() < 0.01


def test_chain_is_compiled_once_and_at_warm_up() -> None:
    """Anything else would stall a conversation for as long as the compiler takes."""
    from inference.voices.psola.stream import _convert
    from inference.voices.transform import Transform

    chain: Any = _convert
    converter = Transform()
    versions = len(chain.signatures)
    stream = converter.open({"f0_ratio": 1.7, "formant_ratio": 0.81, "f0_range": 0.5, "breathiness": 0.3})
    read_only = vowel(110.0, 0.5)
    read_only.flags.writeable = False
    doubles: Any = noise(0.5).astype(np.float64)
    for samples in (vowel(110.0, 1.0), noise(0.5), read_only, silence(0.8)[::2], doubles):
        stream.push(samples)
    assert len(chain.signatures) == versions == 1


def test_chain_is_compiled_anew_when_any_part_of_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "part.py").write_text("LEVEL = 1")
    monkeypatch.setattr(psola_state, "__file__", str(tmp_path / "state.py"))
    before = psola_state.fingerprint()
    (tmp_path / "part.py").write_text("LEVEL = 2")
    assert psola_state.fingerprint() != before


def test_stream_is_of_a_size_that_never_grows() -> None:
    stream = PsolaStream({})
    size = stream._state.nbytes
    stream.push(noise(5.0))
    assert stream._state.nbytes == size < 100_000
