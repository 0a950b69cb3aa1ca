"""What every converter of the catalogue must keep. A new one is tested by adding its catalogue line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, UPLINK_SAMPLES, Float32
from inference.contract.catalog import CONVERTERS
from inference.contract.errors import OptionError, TargetUnavailable
from inference.contract.latency import latency_samples
from inference.contract.parameters import PARAMETERS
from inference.contract.presets import PRESETS
from inference.voices.base import Converter, VoiceStream
from tests.extent import examples
from tests.inference.converters import REMOTE, all_converters
from tests.signals import Float64, noise, silence, tone, vowel

LOCAL = [name for name in CONVERTERS if name != REMOTE]
STRONGEST: dict[str, dict[str, float]] = {
    "none": {"delay_ms": 150.0},
    "resynthesis": {"floor_hz": 120.0},
    "transform": {"f0_ratio": 2.5, "formant_ratio": 1.5, "f0_range": 2.5, "breathiness": 1.0, "floor_hz": 60.0},
}
CASES: list[tuple[str, dict[str, float]]] = [(name, {}) for name in CONVERTERS] + list(STRONGEST.items())
IDS = [*CONVERTERS, *(f"{name}, strongest" for name in STRONGEST)]

every_case = pytest.mark.parametrize(("name", "parameters"), CASES, ids=IDS)
every_converter = pytest.mark.parametrize("name", CONVERTERS)


@pytest.fixture(scope="module")
def converters() -> Iterator[dict[str, Converter]]:
    with all_converters() as converters:
        yield converters


@pytest.fixture(scope="module")
def speechlike() -> Float32:
    """Vowels with a falling melody, hiss and pauses: 3 s."""
    falling = np.linspace(230.0, 95.0, 50)
    parts = [
        silence(0.2),
        vowel(falling, 0.9),
        noise(0.2, 0.1),
        vowel(falling[::-1], 0.9, (300.0, 2_300.0)),
        silence(0.2),
    ]
    hiss = noise(0.6, 0.01, seed=1)
    return np.concatenate([*parts, hiss])[: 3 * SAMPLE_RATE_HZ // FRAME_SAMPLES * FRAME_SAMPLES]


def run(stream: VoiceStream, samples: Float32, sizes: Sequence[int] = (FRAME_SAMPLES,)) -> Float32:
    """The whole signal in pieces of `sizes`, over and over."""

    def pieces() -> Iterator[Float32]:
        start, turn = 0, 0
        while start < len(samples):
            size = sizes[turn % len(sizes)]
            yield stream.push(samples[start : start + size])
            start, turn = start + size, turn + 1

    return np.concatenate(list(pieces()))


@every_case
def test_push_returns_as_many_samples_as_it_takes(
    converters: dict[str, Converter], speechlike: Float32, name: str, parameters: dict[str, float]
) -> None:
    stream = converters[name].open(parameters)
    for start in range(0, len(speechlike), FRAME_SAMPLES):
        frame = stream.push(speechlike[start : start + FRAME_SAMPLES])
        assert (frame.shape, frame.dtype) == ((FRAME_SAMPLES,), np.dtype(np.float32))


@every_case
@pytest.mark.parametrize("sizes", [(480,), (960,), (480, 1_440, 960), (48_000,)])
def test_push_in_any_pieces_gives_the_same_bits(
    converters: dict[str, Converter],
    speechlike: Float32,
    name: str,
    parameters: dict[str, float],
    sizes: tuple[int, ...],
) -> None:
    converter = converters[name]
    whole = run(converter.open(parameters, seed=3), speechlike)
    np.testing.assert_array_equal(run(converter.open(parameters, seed=3), speechlike, sizes), whole)


@pytest.mark.parametrize("name", LOCAL)
@settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(blocks=st.lists(st.integers(0, 9), min_size=1, max_size=6).filter(any), seed=st.integers(0, 2**63))
def test_push_in_drawn_pieces_gives_the_same_bits(
    converters: dict[str, Converter], speechlike: Float32, name: str, blocks: list[int], seed: int
) -> None:
    parameters, sizes = STRONGEST[name], [UPLINK_SAMPLES * block for block in blocks]
    spoken = speechlike[: SAMPLE_RATE_HZ // 2]
    whole = converters[name].open(parameters, seed).push(spoken)
    np.testing.assert_array_equal(run(converters[name].open(parameters, seed), spoken, sizes), whole)


@every_case
def test_reset_returns_to_the_state_after_open(
    converters: dict[str, Converter], speechlike: Float32, name: str, parameters: dict[str, float]
) -> None:
    stream = converters[name].open(parameters, seed=5)
    first = run(stream, speechlike)
    stream.reset()
    np.testing.assert_array_equal(run(stream, speechlike), first)


@every_case
def test_streams_of_one_converter_do_not_touch(
    converters: dict[str, Converter], speechlike: Float32, name: str, parameters: dict[str, float]
) -> None:
    alone = run(converters[name].open(parameters), speechlike)
    mine, other = converters[name].open(parameters), converters[name].open(parameters)
    beside = []
    for start in range(0, len(speechlike), FRAME_SAMPLES):
        beside.append(mine.push(speechlike[start : start + FRAME_SAMPLES]))
        other.push(speechlike[::-1][start : start + FRAME_SAMPLES])
    np.testing.assert_array_equal(np.concatenate(beside), alone)


@every_case
def test_push_leaves_its_input_alone_and_returns_memory_of_its_own(
    converters: dict[str, Converter], speechlike: Float32, name: str, parameters: dict[str, float]
) -> None:
    stream = converters[name].open(parameters)
    frame = speechlike[:FRAME_SAMPLES].copy()
    first = stream.push(frame)
    np.testing.assert_array_equal(frame, speechlike[:FRAME_SAMPLES])
    kept = first.copy()
    frame[:] = 0.25
    stream.push(frame)
    np.testing.assert_array_equal(first, kept)


@every_case
def test_silence_stays_silence(converters: dict[str, Converter], name: str, parameters: dict[str, float]) -> None:
    quiet = silence(1.0)
    np.testing.assert_array_equal(run(converters[name].open(parameters), quiet), quiet)


@every_case
def test_speech_is_followed_by_silence(
    converters: dict[str, Converter], speechlike: Float32, name: str, parameters: dict[str, float]
) -> None:
    stream = converters[name].open(parameters)
    run(stream, speechlike)
    run(stream, silence(0.4))
    np.testing.assert_array_equal(run(stream, silence(0.4)), silence(0.4))


def loudness(samples: Float32) -> Float64:
    """Energy over 40 ms, less its mean."""
    energy = np.convolve(np.asarray(samples, np.float64) ** 2, np.hanning(961), "same")
    return np.asarray(energy - energy.mean())


def delay_samples(before: Float64, after: Float64) -> int:
    """How much later `after` is, by cross-correlation."""
    samples = 2 * len(before)
    product = np.fft.rfft(after, samples) * np.fft.rfft(before, samples).conj()
    return int(np.fft.irfft(product, samples)[: len(before)].argmax())


def wild_signals() -> dict[str, Float32]:
    seconds = SAMPLE_RATE_HZ
    impulses = silence(1.0)
    impulses[::997] = 1.0
    return {
        "full-scale noise": noise(1.0, 1.0),
        "full-scale square wave": np.sign(tone(55.0, 1.0)).astype(np.float32),
        "square wave above the highest pitch": np.sign(tone(1_234.0, 1.0)).astype(np.float32),
        "constant": np.full(seconds, 0.5, np.float32),
        "impulses": impulses,
        "hardly anything": noise(1.0, 1e-9),
        "subnormal": noise(1.0, 1e-40),
        "alternating full scale": np.resize(np.array([1.0, -1.0], np.float32), seconds),
        "full-scale vowel": vowel(90.0, 1.0, peak=1.0),
    }


@every_case
def test_wild_input_gives_numbers_within_full_scale(
    converters: dict[str, Converter], name: str, parameters: dict[str, float]
) -> None:
    stream = converters[name].open(parameters)
    for label, samples in wild_signals().items():
        heard = run(stream, samples)
        assert np.isfinite(heard).all(), label
        assert np.abs(heard).max() <= 1.0, label


@every_case
def test_what_is_no_number_is_survived(
    converters: dict[str, Converter], speechlike: Float32, name: str, parameters: dict[str, float]
) -> None:
    """Nothing of it is heard once it has passed: after a second of silence all is as it was."""
    stream = converters[name].open(parameters)
    broken = noise(0.4, 0.5)
    broken[::7], broken[1::7], broken[2::7], broken[3::7] = np.nan, np.inf, -np.inf, 3e38
    heard = run(stream, broken)
    assert np.isfinite(heard).all()
    assert np.abs(heard).max() <= 1.0
    run(stream, silence(1.0))
    after = run(stream, np.concatenate([vowel(120.0, 1.0), silence(0.6)]))
    assert np.isfinite(after).all()
    assert 0.7 < np.std(after) / np.std(vowel(120.0, 1.0)) / np.sqrt(1 / 1.6) < 1.4


@every_case
def test_two_channels_are_refused(converters: dict[str, Converter], name: str, parameters: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="one channel"):
        converters[name].open(parameters).push(np.zeros((FRAME_SAMPLES, 2), np.float32))


@pytest.mark.parametrize("name", LOCAL)
def test_target_is_refused_by_what_has_none(converters: dict[str, Converter], speechlike: Float32, name: str) -> None:
    assert not converters[name].needs_target
    with pytest.raises(OptionError) as caught:
        converters[name].open({}, target="somebody")
    assert caught.value.name == "target"
    with pytest.raises(TargetUnavailable):
        converters[name].enrol("somebody", speechlike)


@pytest.mark.parametrize("name", LOCAL)
def test_duration_does_not_drift(converters: dict[str, Converter], name: str) -> None:
    """Over 90 s, loudness is as late at the end as at the beginning, to a fifth of a millisecond."""
    syllable = np.concatenate([vowel(150.0, 0.2), silence(0.1), vowel(210.0, 0.16), silence(0.14)])
    spoken = np.tile(syllable, 150)
    heard = run(converters[name].open({}), spoken, (SAMPLE_RATE_HZ,))
    part = 10 * SAMPLE_RATE_HZ
    early = delay_samples(loudness(spoken[:part]), loudness(heard[:part]))
    late = delay_samples(loudness(spoken[-part:]), loudness(heard[-part:]))
    assert abs(late - early) < 5


@every_case
@pytest.mark.parametrize("f0_hz", [93.0, 137.0, 223.0])
def test_frame_borders_cannot_be_heard(
    converters: dict[str, Converter], name: str, parameters: dict[str, float], f0_hz: float
) -> None:
    """A click shows in the second difference: at borders it must be as it is everywhere."""
    heard = run(converters[name].open(parameters), vowel(f0_hz, 5.0))[SAMPLE_RATE_HZ // 2 :]
    roughness = np.abs(np.diff(heard, 2))
    borders = np.arange(480 - 1, len(roughness), 480)
    at_borders = np.maximum(roughness[borders], roughness[borders - 1])
    elsewhere = np.maximum(roughness[borders - 240], roughness[borders - 241])
    assert at_borders.max() <= roughness.max()
    assert np.median(at_borders) < 1.5 * np.median(elsewhere)
    assert at_borders.max() < 1.5 * elsewhere.max()


@pytest.mark.parametrize("floor_hz", [60.0, 70.0, 97.0, 120.0])
@pytest.mark.parametrize("name", ["resynthesis", "transform"])
def test_voice_comes_as_late_as_reported(converters: dict[str, Converter], name: str, floor_hz: float) -> None:
    """Loudness over many syllables tells it to a millisecond; each on its own may lie half a period off."""
    syllables = [vowel(f0_hz, 0.1, peak=0.4) for f0_hz in (150, 233, 187, 170, 290, 205, 263, 220, 160, 247)]
    pauses = [silence(0.06 + 0.02 * (i % 4)) for i in range(len(syllables))]
    spoken = np.concatenate([part for pair in zip(pauses, syllables, strict=True) for part in pair] * 2)
    stream = converters[name].open({"floor_hz": floor_hz})
    heard = run(stream, spoken)
    assert delay_samples(loudness(spoken), loudness(heard)) == pytest.approx(stream.latency_samples, abs=24)


@pytest.mark.parametrize(("delay_ms", "delay"), [(0, 0), (0.04, 1), (60, 1_440), (62.5, 1_500), (500, 12_000)])
def test_own_voice_comes_unchanged_and_exactly_as_late_as_asked(
    converters: dict[str, Converter], speechlike: Float32, delay_ms: float, delay: int
) -> None:
    stream = converters["none"].open({"delay_ms": delay_ms})
    expected = np.concatenate([np.zeros(delay, np.float32), speechlike])[: len(speechlike)]
    np.testing.assert_array_equal(run(stream, speechlike), expected)
    assert stream.latency_samples == delay


def test_sham_is_the_transformation_with_nothing_changed(converters: dict[str, Converter], speechlike: Float32) -> None:
    for floor_hz in (60.0, 110.0):
        sham, identity = (converters[name].open({"floor_hz": floor_hz}) for name in ("resynthesis", "transform"))
        assert sham.latency_samples == identity.latency_samples
        np.testing.assert_array_equal(run(sham, speechlike), run(identity, speechlike))


@every_case
def test_latency_is_fixed_and_told(
    converters: dict[str, Converter], speechlike: Float32, name: str, parameters: dict[str, float]
) -> None:
    stream = converters[name].open(parameters)
    before = stream.latency_samples
    run(stream, speechlike)
    assert stream.latency_samples == before
    assert converters[name].snapshot(parameters)["latency_samples"] == before
    assert latency_samples(name, parameters) in (before, None)  # None: only a running worker knows
    assert stream.latency_ms == before / 24


@every_case
def test_nothing_sounds_before_the_latency_is_over(
    converters: dict[str, Converter], name: str, parameters: dict[str, float]
) -> None:
    """Grains reach a little ahead of what they come from: a period at most."""
    stream = converters[name].open(parameters)
    quiet_samples = SAMPLE_RATE_HZ // 2
    heard = run(stream, np.concatenate([silence(0.5), vowel(120.0, 0.5)]))
    ahead = SAMPLE_RATE_HZ // 60 if stream.latency_samples else 0
    start = quiet_samples + stream.latency_samples - ahead
    assert np.abs(heard[:start]).max() < 1e-6
    assert np.abs(heard[start : start + SAMPLE_RATE_HZ // 5]).max() > 0.05


@every_case
def test_loudness_is_kept(converters: dict[str, Converter], name: str, parameters: dict[str, float]) -> None:
    spoken = vowel(130.0, 2.0, peak=0.2)
    heard = run(converters[name].open(parameters), spoken)
    change_db = 20 * np.log10(np.std(heard[SAMPLE_RATE_HZ:]) / np.std(spoken[SAMPLE_RATE_HZ:]))
    assert abs(change_db) < 1.5


@every_converter
def test_unknown_parameter_is_refused(converters: dict[str, Converter], name: str) -> None:
    for refuse in (converters[name].check, converters[name].open, converters[name].snapshot):
        with pytest.raises(OptionError) as caught:
            refuse({"no_such_parameter": 1.0})
        assert caught.value.name == "no_such_parameter"


@pytest.mark.parametrize(
    ("name", "parameter", "value"),
    [
        (name, parameter, value)
        for name, parameters in PARAMETERS.items()
        for parameter, limits in parameters.items()
        for value in (limits.low - 0.01, limits.high + 0.01, float("nan"), "1")
    ],
)
def test_parameter_out_of_range_is_refused(
    converters: dict[str, Converter], name: str, parameter: str, value: Any
) -> None:
    with pytest.raises(OptionError) as caught:
        converters[name].check({parameter: value})
    assert caught.value.name == parameter


@every_case
def test_snapshot_says_every_parameter_in_force(
    converters: dict[str, Converter], name: str, parameters: dict[str, float]
) -> None:
    snapshot = converters[name].snapshot(parameters)
    defaults = {key: parameter.default for key, parameter in PARAMETERS[name].items()}
    assert snapshot["name"] == name
    assert snapshot["parameters"] == {**defaults, **parameters}
    assert json.loads(json.dumps(snapshot)) == snapshot


@pytest.mark.parametrize("preset", PRESETS)
def test_preset_can_be_heard(converters: dict[str, Converter], speechlike: Float32, preset: str) -> None:
    chosen = PRESETS[preset]
    heard = run(converters[chosen.converter].open(chosen.parameters), speechlike)
    assert np.isfinite(heard).all()
    assert 0.5 < np.std(heard) / np.std(speechlike) < 2.0


def test_presets_that_process_share_one_latency(converters: dict[str, Converter]) -> None:
    latencies = {
        converters[preset.converter].open(preset.parameters).latency_ms
        for preset in PRESETS.values()
        if preset.converter != "none"
    }
    assert latencies == {60.0}
