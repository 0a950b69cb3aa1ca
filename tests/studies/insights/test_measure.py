from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from inference.contract.audio import Float32
from studies.insights.measure import METHODS, measure
from studies.insights.measurement import Measurement, TrackKind, Words
from tests.extent import examples
from tests.signals import cents, silence, vowel


def by_name(measurements: list[Measurement], track: str) -> dict[str, Measurement]:
    return {m.name: m for m in measurements if m.track == track}


@pytest.fixture(scope="module")
def tracks() -> dict[TrackKind, Float32]:
    """Two questions at 120 Hz with a pause in the first, heard at 180 Hz, answered at 210 Hz after 400 and 800 ms."""

    def asked(f0_hz: float) -> Float32:
        first = [silence(1.0), vowel(f0_hz, 1.0), silence(0.5), vowel(f0_hz, 1.0)]
        return np.concatenate([*first, silence(2.9), vowel(f0_hz, 1.0), silence(3.6)])

    answered = [silence(3.9), vowel(210.0, 1.5, peak=0.25), silence(2.8), vowel(210.0, 1.5, peak=0.25), silence(1.3)]
    return {"participant": asked(120.0), "heard": asked(180.0), "agent": np.concatenate(answered)}


@pytest.fixture(scope="module")
def measured(tracks: dict[TrackKind, Float32]) -> list[Measurement]:
    words = [
        Words("participant", "What a lovely day"),
        Words("participant", "Is it not"),
        Words("agent", "I hate it"),
        Words("agent", "never heard at all", discarded=True),
    ]
    return measure(tracks, words)


def test_measure_gives_every_value_once_for_every_track(measured: list[Measurement]) -> None:
    expected = [(track, method.name) for track in ("participant", "heard", "agent") for method in METHODS]
    assert [(m.track, m.name) for m in measured] == expected


@pytest.mark.parametrize(
    ("track", "expected"),
    [
        (
            "participant",
            {
                "duration_sec": 11.0,
                "f0_median_hz": 120.0,
                "f0_sd_semitones": 0.0,
                "speaking_time_sec": 3.0,
                "turns": 2,
                "pauses": 1,
                "pause_median_ms": 500,
                "floor_transfer_offset_ms": 1_000,
                "response_latency_ms": 1_000,
                "word_count": 7,
                "words_per_min": 120.0,
                "articulation_rate": 1.0,
                "speech_rate": 3 / 3.5,
            },
        ),
        ("heard", {"f0_median_hz": 180.0, "speaking_time_sec": 3.0, "turns": 2, "word_count": 7}),
        (
            "agent",
            {
                "f0_median_hz": 210.0,
                "speaking_time_sec": 3.0,
                "turns": 2,
                "pauses": 0,
                "floor_transfer_offset_ms": 600,
                "response_latency_ms": 600,
                "word_count": 3,
                "words_per_min": 60.0,
            },
        ),
    ],
)
def test_measure_finds_what_was_put_in(measured: list[Measurement], track: str, expected: dict[str, float]) -> None:
    values = {name: m.value for name, m in by_name(measured, track).items()}
    found = {name: values[name] for name in expected}
    assert found == {name: pytest.approx(value, rel=0.03, abs=0.1) for name, value in expected.items()}


def test_measure_hears_the_agent_at_half_the_level(measured: list[Measurement]) -> None:
    levels = {track: by_name(measured, track)["level_dbfs"].value for track in ("participant", "agent")}
    assert levels["participant"] is not None
    assert levels["agent"] is not None
    assert levels["agent"] - levels["participant"] == pytest.approx(-6, abs=3)  # other vowels, other crest


def test_measure_gives_each_role_the_sentiment_of_its_words(measured: list[Measurement]) -> None:
    sentiments = {track: by_name(measured, track)["sentiment"].value for track in ("participant", "heard", "agent")}
    assert sentiments["participant"] == sentiments["heard"]
    assert sentiments["participant"] is not None
    assert sentiments["agent"] is not None
    assert sentiments["agent"] < 0 < sentiments["participant"]


def test_measure_of_silence_says_why_there_is_no_value() -> None:
    measured = by_name(measure({"participant": silence(2.0), "agent": silence(2.0)}, []), "participant")
    reasons = {name: m.reason for name, m in measured.items() if m.value is None}
    assert reasons == {
        "level_dbfs": "no speech was found on the track",
        "f0_median_hz": "less than 0.3 s of voiced speech",
        "f0_sd_semitones": "less than 0.3 s of voiced speech",
        "harmonicity_db": "less than 0.3 s of voiced speech",
        "articulation_rate": "less than 0.5 s of speech",
        "speech_rate": "less than 0.5 s of speech",
        "pause_median_ms": "there was no pause",
        "floor_transfer_offset_ms": "the floor never changed to this speaker",
        "response_latency_ms": "no turn began after the other had ended",
        "word_count": "no transcript",
        "words_per_min": "no transcript",
        "sentiment": "no transcript",
    }
    assert (measured["speaking_time_sec"].value, measured["turns"].value, measured["pauses"].value) == (0, 0, 0)


def test_measure_without_the_other_track_leaves_out_turn_taking() -> None:
    measured = by_name(measure({"participant": vowel(120.0, 1.0)}, []), "participant")
    assert measured["turns"].reason == "there is no agent track"
    assert abs(cents(measured["f0_median_hz"].value or 1, 120.0)) < 5


def test_measure_of_a_damaged_track_says_so() -> None:
    damaged = vowel(120.0, 1.0)
    damaged[5] = math.nan
    measured = measure({"participant": damaged, "agent": vowel(120.0, 1.0)}, [Words("participant", "Hello")])
    reason = "the participant track holds samples that are no numbers"
    assert by_name(measured, "participant")["f0_median_hz"].reason == reason
    assert by_name(measured, "participant")["word_count"].value == 1
    assert by_name(measured, "agent")["turns"].reason == reason


def test_measure_of_no_tracks_gives_nothing() -> None:
    assert measure({}, [Words("agent", "Hello")]) == []


def test_methods_fit_their_columns() -> None:
    assert len({method.name for method in METHODS}) == len(METHODS)
    for method in METHODS:
        assert len(method.name) <= 40
        assert len(method.unit) <= 20
        assert len(method.citation) <= 120
        assert len(method.version) <= 20


@pytest.mark.parametrize(("value", "reason"), [(None, ""), (1.0, "too short"), (math.nan, ""), (math.inf, "")])
def test_measurement_has_a_finite_value_or_a_reason(value: float | None, reason: str) -> None:
    with pytest.raises(ValueError, match="f0"):
        Measurement("agent", "f0", value, reason, "Hz", "made up", "1")


tracks_of_anything = hnp.arrays(
    np.float32,
    st.integers(0, 6_000),
    elements=st.floats(-(2.0**100), 2.0**100, width=32) | st.sampled_from([0.0, 1.0, -1.0]),
    fill=st.sampled_from([0.0, 0.5, math.nan]).map(np.float32),
)


@settings(deadline=None, max_examples=examples(40), suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(st.sampled_from(["participant", "heard", "agent"]), tracks_of_anything),
    st.lists(st.builds(Words, st.sampled_from(["participant", "agent"]), st.text(max_size=20))),
)
def test_measure_of_anything_gives_finite_values_or_reasons(tracks: dict[Any, Float32], words: list[Words]) -> None:
    measured = measure(tracks, words)
    assert len(measured) == len(tracks) * len(METHODS)
    assert all((m.value is None) != (m.reason == "") for m in measured)
