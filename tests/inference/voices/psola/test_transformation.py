"""What a transformation does to voices whose properties are known."""

from __future__ import annotations

import numpy as np
import pytest

from inference.contract.audio import SAMPLE_RATE_HZ, Float32, float32_to_pcm16
from inference.contract.presets import PRESETS
from inference.voices.psola import PsolaStream
from tests.signals import VOWEL_A_HZ, cents, measured_f0_hz, measured_formants_hz, noise, vowel

SETTLED = SAMPLE_RATE_HZ // 2


def transform(samples: Float32, parameters: dict[str, float], seed: int = 0) -> Float32:
    return PsolaStream(parameters, seed).push(samples)[SETTLED:]


@pytest.mark.parametrize("ratio", [0.59, 0.8, 1.0, 1.25, 1.7, 2.0])
@pytest.mark.parametrize("f0_hz", [87.3, 123.0, 211.0])
def test_f0_ratio_is_kept_within_five_cents(f0_hz: float, ratio: float) -> None:
    heard = transform(vowel(f0_hz, 1.5), {"f0_ratio": ratio})
    assert abs(cents(measured_f0_hz(heard), f0_hz * ratio)) < 5


@pytest.mark.parametrize("formant_ratio", [0.81, 1.0, 1.23])
def test_f0_stays_when_formants_move(formant_ratio: float) -> None:
    heard = transform(vowel(140.0, 1.5), {"formant_ratio": formant_ratio})
    assert abs(cents(measured_f0_hz(heard), 140.0)) < 5


@pytest.mark.parametrize("formant_ratio", [0.81, 0.905, 1.0, 1.105, 1.23])
def test_formants_move_by_their_ratio(formant_ratio: float) -> None:
    heard = transform(vowel(100.0, 1.5), {"formant_ratio": formant_ratio})
    found = measured_formants_hz(heard)[:4]
    assert np.array(found) == pytest.approx(formant_ratio * np.array(VOWEL_A_HZ), rel=0.04)


@pytest.mark.parametrize("f0_ratio", [0.8, 1.25])
def test_formants_stay_when_f0_moves(f0_ratio: float) -> None:
    heard = transform(vowel(100.0, 1.5), {"f0_ratio": f0_ratio})
    assert np.array(measured_formants_hz(heard)[:4]) == pytest.approx(np.array(VOWEL_A_HZ), rel=0.04)


def test_higher_and_lower_presets_move_f0_and_formants_apart() -> None:
    spoken = vowel(125.0, 1.5)
    for preset in (PRESETS["higher"], PRESETS["lower"]):
        heard = PsolaStream(preset.parameters).push(spoken)[SETTLED:]
        assert abs(cents(measured_f0_hz(heard), 125.0 * preset.parameters["f0_ratio"])) < 5


@pytest.mark.parametrize("reference", [{}, {"f0_ref_hz": 130.0}], ids=["running mean", "enrolled"])
def test_f0_target_is_reached(reference: dict[str, float]) -> None:
    heard = transform(vowel(130.0, 1.5), {"f0_target_hz": 210.0, **reference})
    assert abs(cents(measured_f0_hz(heard), 210.0)) < 5


def test_f0_target_keeps_the_talkers_excursion_from_the_reference() -> None:
    heard = transform(vowel(130.0, 1.5), {"f0_target_hz": 200.0, "f0_ref_hz": 100.0})
    assert abs(cents(measured_f0_hz(heard), 260.0)) < 5


@pytest.mark.parametrize("f0_range", [0.0, 0.5, 1.0, 1.5])
def test_f0_range_scales_the_excursion(f0_range: float) -> None:
    """Two steady notes, four semitones apart, about the reference."""
    low_hz, high_hz = 150.0 * 2 ** (-2 / 12), 150.0 * 2 ** (2 / 12)
    spoken = np.concatenate([vowel(low_hz, 1.5), vowel(high_hz, 1.5)])
    heard = transform(spoken, {"f0_range": f0_range, "f0_ref_hz": 150.0})
    low, high = heard[: SAMPLE_RATE_HZ // 2], heard[-SAMPLE_RATE_HZ:]
    assert cents(measured_f0_hz(high), measured_f0_hz(low)) == pytest.approx(400 * f0_range, abs=15)


def test_f0_target_is_steered_to_while_the_talker_is_unknown() -> None:
    """The voice begins high and falls for good: the running median alone would stay too high for long."""
    spoken = np.concatenate([vowel(180.0, 1.5), vowel(120.0, 6.0)])
    heard = PsolaStream({"f0_target_hz": 150.0}).push(spoken)
    assert abs(cents(measured_f0_hz(heard[-SAMPLE_RATE_HZ:]), 150.0)) < 5


@pytest.mark.parametrize("floor_hz", [60.0, 110.0])
def test_sham_is_hardly_told_from_the_voice(floor_hz: float) -> None:
    stream = PsolaStream({"floor_hz": floor_hz})
    spoken = vowel(np.linspace(220.0, 150.0, 9), 2.0)
    heard = stream.push(spoken)[SETTLED:-SETTLED]
    expected = spoken[SETTLED - stream.latency_samples :][: len(heard)]
    shift = min(range(-60, 61), key=lambda n: float(np.std(np.roll(expected, n)[60:-60] - heard[60:-60])))
    assert np.std(np.roll(expected, shift)[60:-60] - heard[60:-60]) < 0.1 * np.std(heard)


def test_f0_output_is_bounded() -> None:
    heard = transform(vowel(400.0, 1.0), {"f0_ratio": 2.5})
    assert measured_f0_hz(heard) == pytest.approx(700.0, rel=0.02)


def test_breathiness_makes_the_upper_voice_less_periodic() -> None:
    spoken = vowel(120.0, 1.5)
    clear, breathy = (periodicity(transform(spoken, {"breathiness": amount})) for amount in (0.0, 0.6))
    assert clear > 0.99
    assert breathy < 0.95


def test_seed_decides_the_breath_and_nothing_else() -> None:
    spoken = vowel(120.0, 1.0)
    np.testing.assert_array_equal(
        transform(spoken, {"breathiness": 0.5}, seed=1), transform(spoken, {"breathiness": 0.5}, seed=1)
    )
    assert not np.array_equal(
        transform(spoken, {"breathiness": 0.5}, seed=1), transform(spoken, {"breathiness": 0.5}, seed=2)
    )
    np.testing.assert_array_equal(
        transform(spoken, {"f0_ratio": 1.2}, seed=1), transform(spoken, {"f0_ratio": 1.2}, seed=2)
    )


@pytest.mark.parametrize("parameters", [{"f0_ratio": 2.5}, {"formant_ratio": 1.5}, {"f0_ratio": 0.4}])
@pytest.mark.parametrize("f0_hz", [75.0, 240.0])
def test_full_scale_voice_never_clips(parameters: dict[str, float], f0_hz: float) -> None:
    heard = transform(vowel(f0_hz, 1.0, peak=1.0), parameters)
    whole = np.frombuffer(float32_to_pcm16(heard), "<i2") / np.float32(32_768)
    assert np.abs(whole - heard).max() <= 0.5 / 32_768 + 1e-9  # rounded, not clipped
    assert np.abs(heard).max() > 0.3


def test_voice_near_the_floor_has_no_clicks() -> None:
    """Its grains reach further back than the latency allows, and are narrowed."""
    spoken = vowel(72.0, 2.0)
    for parameters in ({}, {"formant_ratio": 0.7}):
        heard = transform(spoken, parameters)
        assert np.abs(np.diff(heard, 2)).max() < 1.5 * np.abs(np.diff(spoken, 2)).max()


def test_noise_is_left_noise() -> None:
    """No pitch is put into what has none."""
    heard = transform(noise(2.0, 0.3), {"f0_ratio": 1.7})
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard)))) ** 2
    tonality = spectrum.max() / spectrum.mean()
    assert tonality < 30


def test_push_of_a_ragged_length_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 480"):
        PsolaStream({}).push(np.zeros(481, np.float32))


def test_push_of_nothing_returns_nothing() -> None:
    assert len(PsolaStream({}).push(np.zeros(0, np.float32))) == 0


def periodicity(samples: Float32) -> float:
    """Correlation with itself one period later."""
    period = round(SAMPLE_RATE_HZ / measured_f0_hz(samples))
    return float(np.corrcoef(samples[:-period], samples[period:])[0, 1])
