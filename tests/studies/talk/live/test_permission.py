"""What may not go on, and what may. That it then ends is shown in test_watch and tests/e2e/test_two_webs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from studies.models import ConsentEvent, Session, Study, Take, Trial
from studies.preview.hearing import AT_REST, hearing_of
from studies.talk.live.watch import ended_previews, ended_takes
from studies.withdrawal import take_back
from tests.studies.factories import make_take


@pytest.fixture
def live(trial: Trial) -> Take:
    return make_take(trial, state=Take.State.LIVE, tracks=False)


@dataclass
class Held:
    """What its process knows of a live take."""

    epoch: int = 0
    sends_away: bool = False

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        raise NotImplementedError

    def end(self, reason: str) -> None:
        raise NotImplementedError


def why(take: Take, epoch: int = 0, *, sends_away: bool = False) -> str:
    return ended_takes({take.pk: Held(epoch, sends_away)}).get(take.pk, "")


def test_talk_that_nothing_speaks_against_goes_on(live: Take) -> None:
    assert why(live) == ""


def test_withdrawn_session_ends_its_talk(live: Take) -> None:
    Session.objects.update(state=Session.State.WITHDRAWN)
    assert why(live) == "withdrawn"


@pytest.mark.parametrize(
    ("purpose", "reason"), [("record", "withdrawn"), ("participate", "withdrawn"), ("convert", ""), ("quote", "")]
)
def test_purpose_taken_back_ends_the_talks_that_need_it(
    live: Take, session: Session, purpose: str, reason: str
) -> None:
    take_back(session, purpose)
    assert why(live) == reason  # in the own voice


def test_conversion_taken_back_ends_a_talk_in_another_voice(session: Session) -> None:
    take = make_take(session.trials.get(position=1), state=Take.State.LIVE, tracks=False)
    take_back(session, ConsentEvent.Purpose.CONVERT)
    assert why(take) == "withdrawn"


def test_conversion_taken_back_ends_a_talk_in_a_voice_of_the_visitors_own_making(live: Take, session: Session) -> None:
    own_voices = [{"converter": "transform", "parameters": {"f0_ratio": 1.2}}]
    Trial.objects.filter(pk=live.trial_id).update(own_voices=own_voices)
    assert why(live) == ""
    take_back(session, ConsentEvent.Purpose.CONVERT)
    assert why(live) == "withdrawn"


@pytest.mark.parametrize(("sends_away", "reason"), [(True, "withdrawn"), (False, "")])
def test_third_party_taken_back_ends_the_talks_that_one_hears(
    live: Take, session: Session, sends_away: bool, reason: str
) -> None:
    assert why(live, sends_away=sends_away) == ""
    take_back(session, ConsentEvent.Purpose.THIRD_PARTY)
    assert why(live, sends_away=sends_away) == reason


@pytest.mark.parametrize("state", ["finished", "declined", "screened", "full"])
def test_visit_that_is_over_ends_its_talk(live: Take, state: str) -> None:
    Session.objects.update(state=state)
    assert why(live) == "session_over"


@pytest.mark.parametrize(("state", "reason"), [("open", ""), ("paused", ""), ("closed", "study_closed")])
def test_pause_lets_talks_end_and_the_end_does_not(live: Take, state: str, reason: str) -> None:
    Study.objects.update(state=state)
    assert why(live) == reason


def test_newer_tab_ends_the_talk_of_the_older(live: Take) -> None:
    Session.objects.update(epoch=3)
    assert (why(live, epoch=2), why(live, epoch=3)) == ("another_tab", "")


def test_take_that_another_process_ended_ends_here_for_the_same_reason(live: Take) -> None:
    Take.objects.update(state=Take.State.ENDED, end_reason="abandoned")
    assert why(live) == "abandoned"


def test_take_that_is_gone_altogether_ends(live: Take) -> None:
    pk = live.pk
    live.delete()
    assert ended_takes({pk: Held()}) == {pk: "withdrawn"}


@pytest.mark.parametrize(
    ("study", "mode", "ended"),
    [("open", "live", False), ("paused", "live", True), ("closed", "live", True), ("draft", "preview", False),
     ("closed", "preview", True)],
)  # fmt: skip
def test_preview_ends_with_its_study(session: Session, study: str, mode: str, ended: bool) -> None:
    Study.objects.update(state=study)
    Session.objects.update(mode=mode)
    assert (session.token in ended_previews({session.token: AT_REST})) == ended


def test_preview_ends_with_the_session_and_its_consent(session: Session) -> None:
    assert ended_previews({session.token: AT_REST, "nobody": AT_REST}) == {"nobody"}
    take_back(session, "record")
    assert ended_previews({session.token: AT_REST}) == {session.token}


@pytest.mark.parametrize("purpose", ["participate", "convert", "third_party"])
def test_preview_ends_while_it_uses_the_voice_for_a_purpose_taken_back(session: Session, purpose: str) -> None:
    rendering = hearing_of(session).purposes
    assert ended_previews({session.token: rendering}) == set()
    take_back(session, purpose)
    assert ended_previews({session.token: rendering}) == {session.token}
    assert ended_previews({session.token: AT_REST}) == set()


def test_all_that_is_live_is_asked_about_at_once(session: Session, django_assert_num_queries: object) -> None:
    takes = [make_take(trial, state=Take.State.LIVE, tracks=False) for trial in session.trials.all() for _ in range(4)]
    with django_assert_num_queries(3):  # type: ignore[operator]
        assert ended_takes({take.pk: Held() for take in takes}) == {}
