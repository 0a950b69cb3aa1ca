"""The parts of the chain one by one; compiled loops against their Python originals and against plain numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from inference.audio import SAMPLE_RATE_HZ
from inference.latency import HOP_SAMPLES, LOOKAHEAD_SAMPLES, transform_latency_samples
from inference.voices.psola import PsolaStream
from inference.voices.psola.grains import PHASES, TAPS, GrainReader, read_grain
from inference.voices.psola.intonation import Intonation
from inference.voices.psola.level import CEILING, LevelFollower, Limiter, follow
from inference.voices.psola.marks import Mark, MarkFinder, best_match
from inference.voices.psola.pitch_path import extend_paths, find_candidates
from inference.voices.psola.pitch_tracker import PitchTracker
from inference.voices.psola.signal import Float64, Signal
from tests.signals import cents, noise, silence, vowel

COMPILED: list[Any] = [read_grain, follow, best_match, find_candidates, extend_paths]


def random_numbers(count: int, seed: int = 0) -> Float64:
    return np.random.default_rng(seed).uniform(-1, 1, count)


def signal_of(samples: Float64) -> Signal:
    signal = Signal(1_000)
    signal.append(samples)
    return signal


def test_latency_by_floor() -> None:
    assert [transform_latency_samples(floor_hz) for floor_hz in (60.0, 70.0, 90.0, 120.0)] == [1_680, 1_440, 1_200, 960]


def test_signal_is_addressed_by_sample_whatever_is_forgotten() -> None:
    signal = Signal(4)
    signal.append(np.arange(10.0))
    np.testing.assert_array_equal(signal.span(-2, 2), [0, 0, 0, 1])
    signal.forget_before(5)
    signal.forget_before(3)
    np.testing.assert_array_equal(signal.span(5, 8), [5, 6, 7])
    assert (signal.start, signal.stop) == (5, 10)


@pytest.mark.parametrize("f0_hz", [75.0, 118.0, 260.0, 440.0])
def test_pitch_tracker_finds_f0(f0_hz: float) -> None:
    tracker = PitchTracker(70.0)
    tracker.update(signal_of(vowel(f0_hz, 1.0).astype(np.float64)))
    found = [tracker.at(sample) for sample in range(2_400, tracker.known_until, HOP_SAMPLES)]
    assert max(abs(cents(f, f0_hz)) for f in found) < 10


@pytest.mark.parametrize("samples", [silence(0.5), noise(0.5, 0.3)], ids=["silence", "noise"])
def test_pitch_tracker_calls_what_has_no_pitch_unvoiced(samples: Float64) -> None:
    tracker = PitchTracker(70.0)
    tracker.update(signal_of(np.asarray(samples, np.float64)))
    found = np.array([tracker.at(sample) for sample in range(0, tracker.known_until, HOP_SAMPLES)])
    assert np.mean(found > 0) < 0.1


def test_pitch_tracker_forgets_what_it_is_told_to() -> None:
    tracker = PitchTracker(70.0)
    tracker.update(signal_of(vowel(np.linspace(100.0, 200.0, 9), 1.0).astype(np.float64)))
    before = tracker.at(12_345.0)
    tracker.forget_before(12_000)
    assert tracker.at(12_345.0) == before


def test_marks_are_a_period_apart() -> None:
    signal = signal_of(vowel(125.0, 1.0).astype(np.float64))
    tracker = PitchTracker(70.0)
    tracker.update(signal)
    intonation = Intonation(ratio=1.5, target_hz=None, excursion=1.0, reference_hz=None)
    marks = [mark for mark in MarkFinder(intonation).find(signal, tracker) if mark.voiced]
    distances = np.diff([mark.sample for mark in marks])
    assert set(distances[2:].tolist()) == {192.0}  # 24,000 / 125
    assert marks[-1].step_samples == pytest.approx(128.0, rel=1e-3)


def test_best_match_is_the_largest_normalised_correlation() -> None:
    searched, template = random_numbers(400), random_numbers(101, seed=1)
    energy = np.convolve(searched**2, np.ones(101), "valid")
    expected = np.correlate(searched, template, "valid") / np.sqrt(energy * np.dot(template, template))
    assert best_match(template, searched, 0.0) == expected.argmax()
    assert best_match(searched[77:178].copy(), searched, 0.0) == 77


def test_best_match_of_silence_is_the_middle() -> None:
    assert best_match(np.zeros(101), np.zeros(141), 0.001) == 20


@pytest.mark.parametrize("speed", [0.7, 1.0, 1.3])
def test_grain_reads_a_tone_at_its_speed(speed: float) -> None:
    tone = np.sin(2 * np.pi * 1_000 * np.arange(4_000) / SAMPLE_RATE_HZ)
    reader = GrainReader(speed, 0.0, 300.0, 0)
    mark = Mark(sample=1_500.0, period_samples=200.0, step_samples=150.0, voiced=True)
    grain = reader.read(signal_of(tone), mark, centre=700.25, earliest=0)
    time = np.arange(len(grain.samples)) + grain.first - 700.25
    expected = np.sin(2 * np.pi * 1_000 * (1_500 + time * speed) / SAMPLE_RATE_HZ) * grain.window
    assert np.abs(grain.samples - expected).max() < 0.005
    assert np.abs(time).max() <= 200.0 / min(speed, 1.0)


def test_grain_does_not_reach_back_before_the_earliest_sample() -> None:
    reader = GrainReader(1.0, 0.0, 300.0, 0)
    mark = Mark(sample=1_500.0, period_samples=200.0, step_samples=200.0, voiced=True)
    grain = reader.read(signal_of(random_numbers(4_000)), mark, centre=700.0, earliest=600)
    assert (grain.first, len(grain.samples)) == (600, 201)
    assert grain.window[[0, 100, 200]] == pytest.approx([0, 1, 0])


def test_intonation_clips_what_no_voice_has() -> None:
    intonation = Intonation(ratio=2.5, target_hz=None, excursion=2.5, reference_hz=100.0)
    assert (intonation.output_hz(500.0), intonation.output_hz(30.0)) == (700.0, 40.0)


def test_intonation_learns_the_mean_of_log_f0() -> None:
    intonation = Intonation(ratio=1.0, target_hz=200.0, excursion=1.0, reference_hz=None)
    for f0_hz in (80.0, 320.0) * 500:
        intonation.hear(f0_hz, 0.005)
    assert intonation.output_hz(160.0) == pytest.approx(200.0, rel=0.01)


def test_level_follower_restores_the_level() -> None:
    spoken = random_numbers(24_000)
    followed = LevelFollower().push(spoken, 0.6 * spoken)
    assert np.std(followed[12_000:]) == pytest.approx(np.std(spoken[12_000:]), rel=0.01)


def test_limiter_leaves_quiet_signals_alone() -> None:
    quiet = 0.9 * random_numbers(4_800)
    np.testing.assert_array_equal(Limiter().push(quiet)[LOOKAHEAD_SAMPLES:], quiet[:-LOOKAHEAD_SAMPLES])


@pytest.mark.parametrize("block", [480, 4_800])
def test_limiter_keeps_the_ceiling_in_any_pieces(block: int) -> None:
    loud = 3 * random_numbers(4_800)
    limiter = Limiter()
    limited = np.concatenate([limiter.push(loud[i : i + block]) for i in range(0, len(loud), block)])
    assert np.abs(limited).max() <= CEILING
    np.testing.assert_array_equal(limited, Limiter().push(loud))


def test_limiter_turns_down_a_lone_peak_without_a_step() -> None:
    steady = np.full(4_800, 0.5)
    steady[2_400] = 2.0
    limited = np.delete(Limiter().push(steady), 2_400 + LOOKAHEAD_SAMPLES)
    assert np.abs(np.diff(limited[2 * LOOKAHEAD_SAMPLES :])).max() < 0.01


def test_compiled_loops_equal_their_python_originals() -> None:
    signal, kernels = random_numbers(800), random_numbers(PHASES * TAPS).reshape(PHASES, TAPS)
    correlation = np.cos(np.arange(346) / 20) * np.linspace(1, 0.5, 346)
    calls: list[tuple[Any, tuple[Any, ...]]] = [
        (read_grain, (signal, 400.3, -120.4, 240, 130.7, 1.2, kernels)),
        (follow, (random_numbers(480), random_numbers(480, 1), 1.1, 0.5, 0.7)),
        (best_match, (random_numbers(101), random_numbers(141, 1), 0.001)),
        (find_candidates, (correlation, 70.0, 0.45)),
        (extend_paths, (np.array([0.0, 120.0]), np.array([0.0, -0.3]), np.array([0.0, 118.0, 236.0]), np.ones(3))),
    ]
    assert [function for function, _ in calls] == COMPILED
    for function, arguments in calls:
        for fast, plain in zip(as_tuple(function(*arguments)), as_tuple(function.py_func(*arguments)), strict=True):
            np.testing.assert_allclose(fast, plain, rtol=1e-9, atol=1e-12)


def test_candidates_are_the_strongest_peaks_in_range() -> None:
    correlation = np.zeros(346)
    for lag, height in ((100, 0.9), (200, 0.8), (300, 0.5), (30, 1.0), (160, 0.1)):
        correlation[lag - 1 : lag + 2] = [height / 2, height, height / 2]
    frequencies, _ = find_candidates(correlation, 70.0, 0.45)
    assert frequencies == pytest.approx([0.0, 240.0, 120.0, 80.0])


def test_every_loop_is_compiled_once_and_at_warm_up() -> None:
    """Anything else would stall a conversation for as long as the compiler takes."""
    from inference.voices.transform import Transform

    converter = Transform()
    compiled_at_warm_up = [len(function.signatures) for function in COMPILED]
    stream = converter.open({"f0_ratio": 1.7, "formant_ratio": 0.81, "f0_range": 0.5, "breathiness": 0.3})
    for samples in (vowel(110.0, 1.0), noise(0.5), silence(0.5)):
        stream.push(samples)
    assert [len(function.signatures) for function in COMPILED] == compiled_at_warm_up


def test_stream_forgets_what_it_no_longer_needs() -> None:
    stream = PsolaStream({"formant_ratio": 1.5})
    for samples in (vowel(80.0, 2.0), silence(2.0), noise(2.0)):
        stream.push(samples)
        assert stream._signal.stop - stream._signal.start < SAMPLE_RATE_HZ // 4
        assert len(stream._pitch._f0_hz) < 100
        assert len(stream._marks) < 50


def as_tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
