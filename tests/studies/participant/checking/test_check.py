"""The device check's page: what it takes, what it refuses, and who may leave."""

from __future__ import annotations

from typing import Any

import pytest

from studies.models import Study
from studies.participant.checking.device import MAX_KEPT_ATTEMPTS, check_done, device_screened_out
from studies.participant.leaving.page import withdraw
from studies.publish import protocol_of
from tests.studies.participant.reports import report
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import paired

pytestmark = pytest.mark.django_db

NOISY = {"noise_dbfs": -30.0, "snr_db": 4.0}
THRESHOLDS = {"max_noise_dbfs": -50.0, "min_snr_db": 15.0}


def study_with(**device_check: Any) -> Study:
    return open_new_study(paired(device_check=device_check))


def told(visitor: Visitor, text: str | bytes) -> Any:
    """The answer to a run that the page tells of while it is open."""
    path = f"/p/{visitor.token}/check/attempts/?epoch={visitor.session.epoch}"
    return visitor.client.post(path, text, content_type="application/json")


def screened_out(visitor: Visitor) -> bool:
    return device_screened_out(visitor.session, protocol_of(visitor.session.version))


def test_page_says_what_the_study_wants() -> None:
    study_with(**THRESHOLDS, sentence="The quick brown fox.", on_fail="block")
    anna = Visitor().begin().agree()
    config = anna.response.context["check_config"]
    assert config["limits"] == {"noise_dbfs": -50, "snr_db": 15, "clipped_percent": None, "round_trip_ms": None}
    assert (config["onFail"], config["mayLeave"], config["screened"]) == ("block", False, False)
    assert config["attemptsUrl"] == f"/p/{anna.token}/check/attempts/?epoch={anna.session.epoch}"
    assert "The quick brown fox." in anna.response.content.decode()


def test_good_device_goes_on_and_is_kept() -> None:
    study_with(**THRESHOLDS)
    anna = Visitor().begin().agree().post("check/", device=report())
    device = anna.session.device
    assert anna.place == "talk/0/"
    assert check_done(anna.session)
    assert (device["noise_dbfs"], device["snr_db"], device["failed"], device["unmeasured"]) == (-62.5, 38, [], {})
    [attempt] = device["attempts"]
    assert attempt.pop("at")
    assert attempt == {
        "run": None,
        "noise_dbfs": -62.5,
        "snr_db": 38,
        "clipped_percent": 0,
        "round_trip_ms": 23.5,
        "failed": [],
    }


def test_bad_device_goes_on_with_a_flag_where_the_study_warns() -> None:
    study_with(**THRESHOLDS)
    anna = Visitor().begin().agree().post("check/", device=report(**NOISY))
    assert anna.place == "talk/0/"
    assert anna.session.device["failed"] == ["noise_dbfs", "snr_db"]


def test_bad_device_does_not_go_on_where_the_study_blocks() -> None:
    study_with(**THRESHOLDS, on_fail="block")
    anna = Visitor().begin().agree().post("check/", device=report(**NOISY))
    assert (anna.place, anna.response.status_code) == ("check/", 422)
    page = anna.response.content.decode()
    assert "Your surroundings are too loud." in page
    assert "Your voice barely stands out" in page
    assert not check_done(anna.session)
    assert anna.post("check/", device=report()).place == "talk/0/"
    assert [attempt["failed"] for attempt in anna.session.device["attempts"]] == [["noise_dbfs", "snr_db"], []]


def test_page_without_a_microphone_does_not_go_on_without_any_threshold() -> None:
    study_with()
    anna = Visitor().begin().agree().post("check/", device="{}")
    assert (anna.place, anna.response.status_code) == ("check/", 422)
    assert "Your microphone picked up nothing." in anna.response.content.decode()


def test_runs_that_the_page_tells_of_are_kept_and_judged() -> None:
    study_with(**THRESHOLDS, on_fail="block", attempts=2)
    anna = Visitor().begin().agree()
    first, second = (told(anna, report(noise_dbfs=noise)).json() for noise in (-30, -31))
    assert first == {"failed": ["noise_dbfs"], "blocked": True, "mayLeave": False}
    assert second == {"failed": ["noise_dbfs"], "blocked": True, "mayLeave": True}
    assert told(anna, report()).json()["failed"] == []
    assert [attempt["noise_dbfs"] for attempt in anna.session.device["attempts"]] == [-30, -31, -62.5]
    assert not check_done(anna.session)


def test_run_told_twice_counts_once() -> None:
    study_with(**THRESHOLDS, on_fail="block", attempts=2)
    anna = Visitor().begin().agree()
    told(anna, report(**NOISY))
    assert told(anna, report(**NOISY)).json()["mayLeave"] is False
    anna.post("check/", device=report(**NOISY))
    assert len(anna.session.device["attempts"]) == 1


def test_runs_that_measure_the_same_count_each() -> None:
    """A microphone that is dead measures the same every time; whoever has it may leave all the same."""
    study_with(**THRESHOLDS, on_fail="block", attempts=2)
    anna = Visitor().begin().agree()
    dead = {"noise_dbfs": -100, "snr_db": 0, "microphone": {"speech_db": -100, "verdict": "silent"}}
    assert told(anna, report(run="a", **dead)).json()["mayLeave"] is False
    assert told(anna, report(run="a", **dead)).json()["mayLeave"] is False
    assert told(anna, report(run="b", **dead)).json()["mayLeave"] is True
    assert [attempt["run"] for attempt in anna.session.device["attempts"]] == ["a", "b"]


def test_endless_runs_fill_no_database() -> None:
    study_with()
    anna = Visitor().begin().agree()
    for noise in range(MAX_KEPT_ATTEMPTS + 3):
        told(anna, report(noise_dbfs=-noise))
    kept = [attempt["noise_dbfs"] for attempt in anna.session.device["attempts"]]
    assert kept == [-noise for noise in range(3, MAX_KEPT_ATTEMPTS + 3)]


@pytest.mark.parametrize("body", ["", "[]", "{", '{"noise_dbfs": NaN}', '{"noise_dbfs": "loud"}', "\x00", "[" * 9_000])
def test_run_that_arrives_broken_is_refused_and_nothing_is_lost(body: str) -> None:
    study_with(**THRESHOLDS)
    anna = Visitor().begin().agree()
    told(anna, report())
    answer = told(anna, body)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("The result of the check did not arrive correctly (")
    assert len(anna.session.device["attempts"]) == 1


def test_run_of_ten_megabytes_is_refused() -> None:
    study_with()
    anna = Visitor().begin().agree()
    answer = told(anna, '{"a": "' + 10_000_000 * "x" + '"}')
    assert answer.status_code == 422
    assert "far too long" in answer.json()["error"]


def test_run_in_no_encoding_is_refused() -> None:
    study_with()
    anna = Visitor().begin().agree()
    answer = told(anna, b"\xff\xfe")
    assert (answer.status_code, "UTF-8" in answer.json()["error"]) == (422, True)


def test_broken_report_names_what_is_wrong() -> None:
    study_with()
    anna = Visitor().begin().agree().post("check/", device=report(snr_db="high"))
    assert (anna.place, anna.response.status_code) == ("check/", 422)
    assert "snr_db" in anna.response.content.decode()
    assert anna.session.device == {}


def test_whoever_tried_often_enough_may_leave() -> None:
    study_with(**THRESHOLDS, on_fail="block", attempts=2)
    anna = Visitor().begin().agree().post("check/", device=report(noise_dbfs=-30))
    anna.post("check/", decision="leave")
    assert (anna.response.status_code, screened_out(anna)) == (422, False)
    anna.post("check/", device=report(noise_dbfs=-31))
    assert anna.response.context["check_config"]["mayLeave"] is True
    anna.client.post(f"/p/{anna.token}/check/", {"decision": "leave", "epoch": anna.session.epoch})
    assert screened_out(anna)
    assert not check_done(anna.session)


def test_nobody_leaves_by_the_device_where_the_study_only_warns() -> None:
    study_with(**THRESHOLDS, attempts=1)
    anna = Visitor().begin().agree()
    told(anna, report(**NOISY))
    anna.post("check/", decision="leave")
    assert (anna.place, screened_out(anna)) == ("check/", False)


def test_whoever_has_no_working_microphone_may_leave_any_study() -> None:
    study_with(attempts=1)
    anna = Visitor().begin().agree()
    assert told(anna, report(microphone=None)).json() == {"failed": ["microphone"], "blocked": True, "mayLeave": True}


def test_run_that_comes_after_withdrawal_leaves_nothing_behind() -> None:
    study_with()
    anna = Visitor().begin().agree()
    withdraw(anna.session)
    assert b"attempts" not in told(anna, report()).content
    assert anna.session.device == {}


def test_run_before_consent_is_refused() -> None:
    study_with()
    anna = Visitor().begin()
    assert told(anna, report()).status_code == 403
    assert anna.session.device == {}
