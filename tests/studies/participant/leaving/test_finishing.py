"""The end of a visit: the code comes once the server holds everything."""

from __future__ import annotations

import pytest
from django.utils import timezone

from studies.models import AllocationSlot, Session, Take
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import paired

pytestmark = pytest.mark.django_db

CODES = {"completed": "DONE1"}


def at_the_end(*states: str) -> Visitor:
    """Somebody who has done every page, with takes in these states."""
    open_new_study(paired(questionnaires=[], recruiter={"service": "prolific", "codes": CODES}))
    anna = Visitor().begin("?PROLIFIC_PID=abc").agree().check()
    for state in states:
        anna.talk(state=state)
    return anna


@pytest.mark.parametrize("state", ["final", "failed"])
def test_code_and_way_back_are_there_when_all_is_filed_or_cannot_be(state: str) -> None:
    anna = at_the_end(state, "final")
    assert anna.place == "debrief/"
    assert "complete?cc=DONE1" in anna.page
    assert "being saved" not in anna.page
    assert (anna.session.state, anna.session.completion_code) == (Session.State.FINISHED, "DONE1")
    assert AllocationSlot.objects.get(session=anna.session).leased_until is None


def test_code_waits_until_everything_is_filed() -> None:
    anna = at_the_end("final", "ended")
    assert "Your recordings are being saved" in anna.page
    assert "DONE1" not in anna.page
    assert '<meta http-equiv="refresh" content="5">' in anna.page
    assert (anna.session.state, anna.session.completion_code) == (Session.State.FINISHED, "")
    Take.objects.update(state="final")
    assert "complete?cc=DONE1" in anna.get("debrief/").page
    assert "refresh" not in anna.page


def test_take_that_still_runs_elsewhere_is_waited_for() -> None:
    anna = at_the_end("final")
    Take.objects.create(trial=anna.session.trials.get(position=0), number=9, state="live", limit_ms=1)
    anna.talk()
    assert "being saved" in anna.page
    Take.objects.filter(number=9).update(state="final", ended_at=timezone.now())
    assert "complete?cc=DONE1" in anna.get().page


def test_code_does_not_change() -> None:
    open_new_study(paired(questionnaires=[]))
    anna = Visitor().begin().agree().check()
    anna.talk()
    anna.talk()
    code = anna.session.completion_code
    assert len(code) == 8
    assert code in anna.get("debrief/").page
    assert anna.session.completion_code == code


def test_page_that_was_not_done_keeps_the_visit_from_finishing() -> None:
    open_new_study(paired())
    anna = Visitor().begin().agree().check()
    assert anna.get("debrief/").place == "talk/0/"
    assert anna.session.state == Session.State.STARTED
