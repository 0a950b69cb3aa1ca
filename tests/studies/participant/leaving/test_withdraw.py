from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.urls import reverse

from studies.models import (
    AllocationSlot,
    Answer,
    ConsentEvent,
    ErasureReceipt,
    Judgement,
    Metric,
    PageLog,
    RecruiterIdentity,
    Session,
    Study,
    Take,
    Track,
    Trial,
    Utterance,
)
from studies.models.take import recordings
from studies.participant.leaving import page as leaving
from studies.protocol.reading.document import parse, parse_yaml, to_document
from studies.publish import open_study, publish
from studies.talk.filing.erasure import erase_leftovers
from studies.talk.filing.filing import file_take
from studies.talk.filing.measuring import measure_and_store
from studies.talk.journal.file import journal_path
from studies.withdrawal import finish_withdrawals
from tests.studies.factories import PROTOCOL, make_answer, make_judgement, make_session, make_take, years_ahead
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import paired
from tests.studies.talk.filing.test_filing import talk, write_journal

pytestmark = pytest.mark.django_db

PURPOSES = [
    {"key": "participate", "label": "I take part."},
    {"key": "record", "label": "Record me."},
    {"key": "convert", "label": "Change my voice."},
    {"key": "quote", "label": "Short clips may be quoted.", "required": False},
]


def open_study_that(**retention: Any) -> Study:
    document = to_document(parse_yaml(PROTOCOL))
    document["consent"]["purposes"] = PURPOSES
    document["retention"] = retention
    study = Study.objects.create(slug="weekends", title="Weekends")
    publish(study, parse(document))
    open_study(study, ethics_reference="EK-2026/17", retention_until=years_ahead())
    return study


@pytest.fixture
def study() -> Study:
    return open_study_that(on_withdrawal="erase")


@pytest.fixture
def session(study: Study) -> Session:
    """Somebody of whom there is everything that can be there."""
    version = study.current_version
    assert version is not None
    session = make_session(version)
    session.device, session.stratum, session.completion_code = {"label": "a headset"}, "woman", "C0DE"
    session.save()
    own, other = session.trials.all()
    Trial.objects.filter(pk=other.pk).update(own_voices=[{"converter": "transform", "parameters": {}}])
    for trial in (own, other):
        make_take(trial)
        make_answer(trial, "helpful", 5)
    Answer.objects.create(session=session, item="age", value=40)
    make_judgement(session, "prefer", "A")
    PageLog.objects.create(session=session, page="consent")
    RecruiterIdentity.objects.create(
        participant=session.participant, study=study, service="prolific", lookup="0" * 64, sealed=b"sealed"
    )
    AllocationSlot.objects.create(version=version, block=0, position=0, arm=0, session=session)
    return session


def page(session: Session, client: Any, *rest: str) -> str:
    return str(client.get(reverse("withdraw", args=[session.token]) + "".join(rest)).content.decode())


def leave(session: Session, client: Any, **fields: str) -> str:
    answer = client.post(reverse("withdraw", args=[session.token]), fields, follow=True)
    assert answer.status_code == 200
    session.refresh_from_db()
    return str(answer.content.decode())


def test_withdrawal_asks_first_and_says_what_happens(session: Session, client: Any) -> None:
    assert "Stop and erase everything?" in page(session, client)
    session.refresh_from_db()
    assert session.state == Session.State.STARTED


def test_withdrawal_erases_everything_and_leaves_a_receipt(session: Session, client: Any) -> None:
    files = [str(track.file.name) for track in Track.objects.all()]
    assert len(files) == 6
    said = leave(session, client)
    emptied = (Track, Utterance, Metric, Answer, Judgement, PageLog)
    assert [model.objects.count() for model in emptied] == [0] * len(emptied)
    assert [name for name in files if recordings().exists(name)] == []
    assert (session.state, session.device, session.stratum, session.completion_code) == ("withdrawn", {}, "", "")
    assert bytes(RecruiterIdentity.objects.get().sealed) == b""
    assert list(Take.objects.values_list("device", flat=True)) == [{}, {}]
    assert list(Trial.objects.values_list("own_voices", flat=True)) == [None, None]
    assert AllocationSlot.objects.get().session is None
    receipt = ErasureReceipt.objects.get()
    assert (receipt.code, receipt.kept, receipt.takes, receipt.files, receipt.answers) == ("P-001", False, 2, 8, 4)
    assert {entry["what"]: entry["count"] for entry in receipt.removed} == {
        "recordings": 6,
        "words": 6,
        "measurements": 4,
        "event_logs": 2,
        "answers": 3,
        "judgements": 1,
        "page_times": 1,
        "device_reports": 3,
        "own_voices": 1,
        "identities": 1,
    }
    assert "6 × recordings" in said


def test_receipt_can_be_kept_as_a_text(session: Session, client: Any) -> None:
    address = reverse("withdrawal_receipt", args=[session.token])
    assert client.get(address).status_code == 404
    leave(session, client)
    receipt = ErasureReceipt.objects.get()
    answer = client.get(address)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="receipt-{receipt.pk}.txt"'
    text = answer.content.decode()
    assert [line for line in text.splitlines() if line.startswith(("Withdrawal", "Number", "SHA", "- 6 × rec"))] == [
        f"Withdrawal receipt {receipt.pk}",
        "Number: P-001",
        "- 6 × recordings",
        f"SHA-256: {receipt.sha256}",
    ]
    assert receipt.sha256 == ErasureReceipt.objects.get(pk=receipt.pk).sha256


def test_withdrawal_takes_every_consent_back(session: Session, client: Any) -> None:
    leave(session, client)
    assert [session.consent(purpose) for purpose in ConsentEvent.Purpose.values] == [None] * 8


def test_withdrawal_in_mid_talk_ends_the_take(session: Session, client: Any) -> None:
    take = make_take(session.trials.get(position=0), state=Take.State.LIVE, tracks=False)
    leave(session, client)
    take.refresh_from_db()
    assert (take.state, take.outcome, take.end_reason) == ("final", "interrupted", "withdrawn")


def test_withdrawal_sent_twice_makes_one_receipt(session: Session, client: Any) -> None:
    leave(session, client)
    assert "6 × recordings" in leave(session, client)
    assert ErasureReceipt.objects.count() == 1


@pytest.mark.parametrize("state", ["finished", "declined", "screened", "full"])
@pytest.mark.parametrize("study_state", ["open", "paused", "closed"])
def test_withdrawal_is_possible_whatever_became_of_the_visit(
    session: Session, client: Any, state: str, study_state: str
) -> None:
    Session.objects.update(state=state)
    Study.objects.update(state=study_state)
    assert "You have withdrawn" in leave(session, client)
    assert (session.state, Track.objects.count()) == ("withdrawn", 0)


def test_withdrawal_before_consent_removes_next_to_nothing() -> None:
    open_new_study(paired())
    anna = Visitor().begin()
    Visitor.post(anna, "withdraw/")
    assert anna.session.state == Session.State.WITHDRAWN
    assert [entry["what"] for entry in ErasureReceipt.objects.get().removed] in ([], ["page_times"])


def test_every_page_of_a_withdrawn_session_says_so() -> None:
    open_new_study(paired())
    anna = Visitor().to_talk().post("withdraw/")
    for path in ("", "consent/", "check/", "talk/0/", "debrief/", "withdraw/"):
        assert "You have withdrawn" in anna.get(path).response.content.decode()


def test_filing_and_measuring_that_come_later_find_nothing_to_do(session: Session, client: Any) -> None:
    take = make_take(session.trials.get(position=0), state=Take.State.ENDED, tracks=False)
    journal = journal_path(take.pk)
    journal.write_bytes(b"what was said")
    leave(session, client)
    assert not journal.exists()
    assert not file_take(take.pk)
    assert measure_and_store(take.pk) == 0
    assert [model.objects.count() for model in (Track, Utterance, Metric)] == [0, 0, 0]
    assert ErasureReceipt.objects.get().removed[4] == {"what": "journals", "count": 1}


def test_files_of_a_filing_that_was_killed_are_found(session: Session, client: Any) -> None:
    take = session.trials.get(position=0).takes.get()
    leave(session, client)
    name = recordings().save(f"{take.pk}/heard.flac", ContentFile(b"fLaC"))
    assert erase_leftovers() == 1
    assert not recordings().exists(name)
    assert not (settings.RECORDINGS_DIR / str(take.pk)).exists()


def test_withdrawal_that_was_cut_off_is_finished_with_everything_counted(
    session: Session, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(session: Session) -> None:
        raise OSError("the disk is away")

    with monkeypatch.context() as patch:
        patch.setattr(leaving, "finish_withdrawal", cut_off)
        said = leave(session, client)
    assert "reload this page in a minute for your receipt" in said
    assert (session.state, session.consent("record"), Track.objects.count()) == ("withdrawn", None, 6)
    assert finish_withdrawals() == 1
    assert ErasureReceipt.objects.get().removed[0] == {"what": "recordings", "count": 6}
    assert finish_withdrawals() == 0


def test_answer_that_came_in_after_the_erasure_goes_too(session: Session, client: Any) -> None:
    leave(session, client)
    Answer.objects.create(session=session, item="age", value=41)
    assert finish_withdrawals() == 1
    assert (Answer.objects.count(), ErasureReceipt.objects.count(), finish_withdrawals()) == (0, 1, 0)


def test_study_that_keeps_data_keeps_all_but_who_it_was(session: Session, client: Any) -> None:
    study = session.study
    version = open_study_that_keeps(study)
    Session.objects.update(version=version)
    session = Session.objects.get()
    assert "Stop taking part?" in page(session, client)
    said = leave(session, client)
    assert "what was collected before remains in the study" in said
    receipt = ErasureReceipt.objects.get()
    assert (receipt.kept, receipt.removed) == (True, [{"what": "identities", "count": 1}])
    assert (Track.objects.count(), Answer.objects.count(), session.device) == (6, 3, {"label": "a headset"})
    assert [session.consent(purpose) for purpose in ConsentEvent.Purpose.values] == [None] * 8
    assert finish_withdrawals() == 0


def test_study_that_keeps_data_files_what_was_said_before(session: Session, client: Any) -> None:
    session = keeping(session)
    take = make_take(session.trials.get(position=0), state=Take.State.LIVE, tracks=False)
    said = leave(session, client)
    assert "reload this page in a minute for your receipt" in said
    assert [session.consent(purpose) is None for purpose in ("participate", "record")] == [True, False]
    write_journal(take, talk())
    Take.objects.filter(pk=take.pk).update(state=Take.State.ENDED)  # its relay has stopped
    assert finish_withdrawals() == 1
    take.refresh_from_db()
    assert (take.state, session.consent("record"), ErasureReceipt.objects.get().kept) == ("final", None, True)


def keeping(session: Session) -> Session:
    Session.objects.update(version=open_study_that_keeps(session.study))
    return Session.objects.get()


def open_study_that_keeps(study: Study) -> Any:
    version = study.current_version
    assert version is not None
    document = {**version.document, "retention": {"on_withdrawal": "keep"}}
    return publish(study, parse(document))


def test_optional_purpose_is_taken_back_alone(session: Session, client: Any) -> None:
    assert "Short clips may be quoted." in page(session, client)
    assert "Your consent to this is withdrawn." in leave(session, client, purpose="quote")
    assert [session.consent(purpose) is None for purpose in ("quote", "record")] == [True, False]
    assert session.state == Session.State.STARTED
    assert "Short clips may be quoted." not in page(session, client)


@pytest.mark.parametrize("purpose", ["record", "recontact", "nonsense"])
def test_purpose_that_is_required_or_was_not_asked_stays(session: Session, client: Any, purpose: str) -> None:
    assert "Your consent to this is withdrawn." not in leave(session, client, purpose=purpose)
    assert session.consents.filter(granted=False).count() == 0


def test_receipt_counts_the_visit_that_was_declined_before_too(session: Session, client: Any) -> None:
    before = Session.objects.create(participant=session.participant, version=session.version, state="declined")
    PageLog.objects.bulk_create(PageLog(session=before, page=page) for page in ("questions asked", "consent"))
    leave(session, client)
    before.refresh_from_db()
    assert (before.state, PageLog.objects.count()) == ("withdrawn", 0)
    receipt = ErasureReceipt.objects.get()
    assert {"what": "page_times", "count": 3} in receipt.removed
    assert (receipt.takes, receipt.files) == (2, 8)
