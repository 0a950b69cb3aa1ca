from __future__ import annotations

import pytest

from studies.models import Answer, ErasureReceipt, Judgement, Metric, Session, Track, Utterance
from studies.models.take import recordings
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import paired

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def study() -> None:
    open_new_study(paired())


def test_withdrawal_asks_first() -> None:
    anna = Visitor().to_talk().get("withdraw/")
    assert anna.response.status_code == 200
    assert anna.session.state == Session.State.STARTED


def test_withdrawal_erases_everything_and_leaves_a_receipt() -> None:
    anna = Visitor().to_comparison().judge()
    files = [str(track.file.name) for track in Track.objects.all()]
    assert len(files) == 6
    anna.post("withdraw/")
    session = anna.session
    assert (session.state, session.device, session.completion_code) == (Session.State.WITHDRAWN, {}, "")
    assert [model.objects.count() for model in (Track, Utterance, Metric, Answer, Judgement)] == [0] * 5
    assert [name for name in files if recordings().exists(name)] == []
    receipt = ErasureReceipt.objects.get()
    # two ratings of two items, two listening times, one judgement
    assert (receipt.code, receipt.takes, receipt.answers) == (session.participant.code, 2, 7)
    assert receipt.code in anna.response.content.decode()


def test_withdrawal_takes_every_consent_back() -> None:
    anna = Visitor().to_talk().post("withdraw/")
    assert [anna.session.consent(purpose) for purpose in ("participate", "record", "convert")] == [None] * 3
    assert anna.session.consents.count() == 6


def test_withdrawal_in_mid_talk_ends_the_take() -> None:
    anna = Visitor().to_talk()
    take = anna.talk(state="live")
    anna.post("withdraw/")
    take.refresh_from_db()
    assert (take.outcome, take.end_reason) == ("interrupted", "withdrawn")


def test_withdrawal_sent_twice_makes_one_receipt() -> None:
    anna = Visitor().to_talk().post("withdraw/").post("withdraw/")
    assert ErasureReceipt.objects.count() == 1
    assert anna.response.status_code == 200


def test_every_page_of_a_withdrawn_session_says_so() -> None:
    anna = Visitor().to_talk().post("withdraw/")
    for path in ("", "consent/", "check/", "talk/0/", "debrief/", "withdraw/"):
        assert "You have withdrawn" in anna.get(path).response.content.decode()


def test_withdrawal_before_consent_erases_nothing_and_still_ends() -> None:
    anna = Visitor().begin().post("withdraw/")
    assert anna.session.state == Session.State.WITHDRAWN
    assert ErasureReceipt.objects.get().answers == 0


def test_withdrawal_is_possible_after_the_end() -> None:
    anna = Visitor().to_comparison().judge().post("withdraw/")
    assert anna.session.state == Session.State.WITHDRAWN
