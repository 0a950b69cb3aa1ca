from __future__ import annotations

from collections import Counter

import pytest

from studies.models import AllocationSlot, ProtocolVersion, Session
from studies.models.session import new_token
from studies.participant.arriving.enrol import agree, begin
from studies.participant.leaving.page import withdraw
from tests.studies.participant.visitor import PURPOSES, open_new_study
from tests.studies.protocol.documents import explore, paired, paired_with

pytestmark = pytest.mark.django_db


def enrol(version: ProtocolVersion) -> Session:
    session = begin(version, new_token())
    agree(session, PURPOSES)
    session.refresh_from_db()
    return session


def version_of(document: dict[str, object]) -> ProtocolVersion:
    version = open_new_study(document).current_version
    assert version is not None
    return version


def test_arms_are_given_out_in_balanced_blocks() -> None:
    version = version_of(paired_with(2))
    arms = [enrol(version).arm for _ in range(8)]
    assert sorted(arms[:4]) == sorted(arms[4:]) == [0, 1, 2, 3]
    assert AllocationSlot.objects.count() == 8


def test_plan_of_a_session_follows_its_arm() -> None:
    version = version_of(paired())
    orders = {}
    for _ in range(2):
        session = enrol(version)
        orders[session.arm] = [trial.condition.key for trial in session.trials.order_by("position")]
    assert orders == {0: ["own", "higher"], 1: ["higher", "own"]}


def test_place_of_someone_who_withdraws_goes_to_the_next() -> None:
    version = version_of(paired())
    first = enrol(version)
    withdraw(first)
    assert enrol(version).arm == first.arm
    assert AllocationSlot.objects.count() == 2


def test_participants_get_codes_that_differ_and_say_nothing() -> None:
    version = version_of(paired())
    codes = [begin(version, new_token()).participant.code for _ in range(30)]
    assert len(set(codes)) == 30
    assert Counter(len(code) for code in codes) == {8: 30}


def test_explore_study_needs_no_place_and_has_no_plan() -> None:
    session = enrol(version_of(explore()))
    assert (AllocationSlot.objects.count(), session.trials.count()) == (0, 0)


def test_explore_study_keeps_its_quota() -> None:
    version = version_of(explore(quotas=[{"key": "all", "max": 2}]))
    states = [enrol(version).state for _ in range(3)]
    assert states == [Session.State.STARTED, Session.State.STARTED, Session.State.QUOTA_FULL]


def test_enrolment_that_is_cut_off_takes_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    version = version_of(paired())
    session = begin(version, new_token())

    def cut_off(*_: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr("studies.participant.arriving.enrol.plan_trials", cut_off)
        with pytest.raises(RuntimeError, match="power cut"):
            agree(session, PURPOSES)
    assert not AllocationSlot.objects.exclude(session=None).exists()
    agree(session, PURPOSES)
    assert session.trials.count() == 2


def test_optional_purpose_that_was_refused_is_recorded_as_refused() -> None:
    version = version_of(explore())
    session = begin(version, new_token())
    agree(session, ["participate", "record"])
    assert dict(session.consents.values_list("purpose", "granted")) == {
        "participate": True,
        "record": True,
        "convert": False,
    }
