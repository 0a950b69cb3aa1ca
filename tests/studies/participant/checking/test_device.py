"""What the browser measured: read, judged, kept."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.errors import BadReport
from studies.participant.checking.device import judge, read_report
from studies.protocol.visit import DeviceCheck
from tests.studies.participant.reports import report

LIMITS = DeviceCheck(max_noise_dbfs=-50, min_snr_db=20, max_clipped_percent=1, max_round_trip_ms=300)


def test_report_is_kept_as_it_was_measured() -> None:
    kept = read_report(report()).kept()
    assert (kept["noise_dbfs"], kept["snr_db"], kept["clipped_percent"], kept["round_trip_ms"]) == (-62.5, 38, 0, 23.5)
    assert kept["input"] == {
        "echoCancellation": False,
        "noiseSuppression": False,
        "sampleRate": 48_000,
        "kind": "headset",
    }
    assert kept["delay"] == {"conversion_ms": 60, "round_trip_ms": 41, "probes": 12, "heard_self": 1}
    assert kept["unmeasured"] == {}


def test_names_and_identifiers_of_devices_are_not_kept() -> None:
    sent = {"deviceId": "a1", "groupId": "b2", "label": "Anna’s AirPods", "sampleRate": 48_000}
    read = read_report(report(input=sent, settings={"requested": sent}))
    assert read.input == {"sampleRate": 48_000}
    assert read.settings is not None
    assert read.settings.requested == {"sampleRate": 48_000}


def test_what_nobody_asked_for_is_not_kept() -> None:
    assert "location" not in read_report(report(location="Stockholm")).kept()


def test_value_that_was_not_measured_has_a_reason() -> None:
    read = read_report(report(round_trip_ms=None, snr_db=None, unmeasured={"round_trip_ms": "no_connection"}))
    assert read.kept()["unmeasured"] == {"snr_db": "not_reported", "round_trip_ms": "no_connection"}


def test_reason_for_a_value_that_was_measured_is_dropped() -> None:
    assert read_report(report(unmeasured={"snr_db": "why"})).kept()["unmeasured"] == {}


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"noise_dbfs": "loud"}, "noise_dbfs: "),
        ({"noise_dbfs": True}, "noise_dbfs: "),
        ({"snr_db": float("nan")}, "snr_db: "),
        ({"round_trip_ms": float("inf")}, "round_trip_ms: "),
        ({"round_trip_ms": -1}, "round_trip_ms: "),
        ({"clipped_percent": 101}, "clipped_percent: "),
        ({"microphone": {"verdict": "splendid"}}, "microphone.verdict: "),
        ({"microphone": []}, "microphone: "),
        ({"input": {"sampleRate": [48_000]}}, "input.sampleRate"),
        ({"input": {"x" * 41: 1}}, "input."),
        ({"input": {"name": "nul \x00"}}, "input.name"),
        ({"input": {str(number): 1 for number in range(41)}}, "input: "),
        ({"settings": {"user_agent": "nul \x00"}}, "settings.user_agent: "),
        ({"unmeasured": {"weather": "rain"}}, "unmeasured.weather"),
    ],
)
def test_wrong_value_is_named(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(BadReport) as error:
        read_report(report(**changes))
    assert str(error.value).startswith(place)


@pytest.mark.parametrize("text", ["", "{", "null", "[]", "3", '"\ud800"', "[" * 5_000, '{"a": "' + "x" * 20_001 + '"}'])
def test_what_is_no_report_is_refused(text: str) -> None:
    with pytest.raises(BadReport):
        read_report(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.dictionaries(st.sampled_from(sorted(json.loads(report()))), JSON, max_size=6)


@given(FIELDS)
def test_random_report_is_read_or_refused_and_what_is_kept_reads_the_same(fields: dict[str, Any]) -> None:
    try:
        read = read_report(report(**fields))
    except BadReport:
        return
    kept = json.loads(json.dumps(read.kept(), allow_nan=False))
    assert "\x00" not in json.dumps(kept)
    assert read_report(json.dumps(kept)).kept() == kept


def test_what_is_at_its_threshold_passes() -> None:
    at = read_report(report(noise_dbfs=-50, snr_db=20, clipped_percent=1, round_trip_ms=300))
    assert judge(at, LIMITS) == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("noise_dbfs", -49.9),
        ("snr_db", 19.9),
        ("clipped_percent", 1.1),
        ("round_trip_ms", 300.1),
        ("noise_dbfs", None),
        ("round_trip_ms", None),
    ],
)
def test_value_beyond_its_threshold_or_unmeasured_fails(name: str, value: float | None) -> None:
    read = read_report(report(**{name: value}))
    assert judge(read, LIMITS) == (name,)
    assert judge(read, DeviceCheck()) == ()


@pytest.mark.parametrize("microphone", [None, {"verdict": "silent", "speech_db": -90}])
def test_microphone_that_gave_nothing_fails_without_any_threshold(microphone: dict[str, Any] | None) -> None:
    assert judge(read_report(report(microphone=microphone)), DeviceCheck()) == ("microphone",)


def test_failures_come_in_the_order_of_the_check() -> None:
    read = read_report(report(microphone=None, noise_dbfs=0, snr_db=0, clipped_percent=50, round_trip_ms=9_000))
    expected = ("microphone", "noise_dbfs", "snr_db", "clipped_percent", "round_trip_ms")
    assert judge(read, LIMITS) == expected
