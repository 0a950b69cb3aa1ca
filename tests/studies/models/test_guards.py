"""The database refuses by itself, whatever the code above it does."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from studies.errors import FrozenError
from studies.models import (
    Condition,
    ConsentEvent,
    Judgement,
    Participant,
    Prompt,
    ProtocolVersion,
    Session,
    Study,
    Take,
    Track,
    Trial,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> Session:
    study = Study.objects.create(slug="guarded", title="Guarded")
    version = ProtocolVersion.objects.create(study=study, number=1, document={}, sha256="0" * 64)
    participant = Participant.objects.create(study=study, code="P1")
    return Session.objects.create(participant=participant, version=version)


def take_of(session: Session, position: int = 0) -> Take:
    prompt, _ = Prompt.objects.get_or_create(version=session.version, key="ask", defaults={"title": "Ask", "card": ""})
    condition, _ = Condition.objects.get_or_create(
        version=session.version, key="own", defaults={"label": "Own", "engine": "echo"}
    )
    trial = Trial.objects.create(session=session, position=position, prompt=prompt, condition=condition)
    return Take.objects.create(trial=trial, limit_ms=1_000)


def consent_of(session: Session, purpose: str = "record", granted: bool = True) -> ConsentEvent:
    return ConsentEvent.objects.create(session=session, purpose=purpose, granted=granted, document_sha256="0" * 64)


def file_track(take: Take, consent: ConsentEvent) -> Track:
    with transaction.atomic():
        return Track.objects.create(
            take=take,
            kind="agent",
            consent=consent,
            file="x.flac",
            sha256="0" * 64,
            sample_rate_hz=24_000,
            duration_samples=1,
        )


def test_track_with_recording_consent_is_stored(session: Session) -> None:
    track = file_track(take_of(session), consent_of(session))
    assert list(Track.objects.all()) == [track]


def test_track_with_other_purpose_is_refused(session: Session) -> None:
    with pytest.raises(IntegrityError, match="recording consent"):
        file_track(take_of(session), consent_of(session, "participate"))


def test_track_with_refused_consent_is_refused(session: Session) -> None:
    with pytest.raises(IntegrityError, match="recording consent"):
        file_track(take_of(session), consent_of(session, granted=False))


def test_track_after_withdrawal_is_refused(session: Session) -> None:
    granted = consent_of(session)
    consent_of(session, granted=False)
    with pytest.raises(IntegrityError, match="recording consent"):
        file_track(take_of(session), granted)


def test_track_with_consent_of_another_session_is_refused(session: Session) -> None:
    other = Session.objects.create(participant=session.participant, version=session.version)
    with pytest.raises(IntegrityError, match="recording consent"):
        file_track(take_of(session), consent_of(other))


def test_track_moved_to_another_session_is_refused(session: Session) -> None:
    other = Session.objects.create(participant=session.participant, version=session.version)
    track = file_track(take_of(session), consent_of(session))
    with pytest.raises(IntegrityError, match="recording consent"), transaction.atomic():
        Track.objects.filter(pk=track.pk).update(take=take_of(other))


def test_published_version_is_frozen_in_code_and_database(session: Session) -> None:
    version = session.version
    version.published_at = dt.datetime.now(dt.UTC)
    version.save()
    version.document = {"changed": True}
    with pytest.raises(FrozenError):
        version.save()
    with pytest.raises(DatabaseError, match="does not change"), transaction.atomic():
        ProtocolVersion.objects.filter(pk=version.pk).update(document={"changed": True})
    version.refresh_from_db()
    assert version.document == {}


def test_consent_event_is_only_appended(session: Session) -> None:
    event = consent_of(session, granted=False)
    with pytest.raises(DatabaseError, match="only appended"), transaction.atomic():
        ConsentEvent.objects.filter(pk=event.pk).update(granted=True)
    assert session.consent("record") is None


def test_judgement_is_only_appended(session: Session) -> None:
    judgement = Judgement.objects.create(session=session, pair=0, item="better", choice="A", order_shown=[])
    with pytest.raises(DatabaseError, match="only appended"), transaction.atomic():
        Judgement.objects.filter(pk=judgement.pk).update(choice="B")
    judgement.refresh_from_db()
    assert judgement.choice == "A"


def test_trial_plan_is_frozen_and_done_at_is_not(session: Session) -> None:
    trial = take_of(session).trial
    trial.done_at = dt.datetime.now(dt.UTC)
    trial.save()
    trial.position = 7
    with pytest.raises(FrozenError):
        trial.save()


def test_open_study_without_ethics_reference_is_refused(session: Session) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Study.objects.filter(pk=session.study.pk).update(state="open")
    Study.objects.filter(pk=session.study.pk).update(
        state="open", ethics_reference="IRB 1", retention_until=dt.date(2030, 1, 1)
    )
    assert Study.objects.get(pk=session.study.pk).state == "open"


def test_consent_is_the_latest_event(session: Session) -> None:
    granted = consent_of(session)
    assert session.consent("record") == granted
    consent_of(session, granted=False)
    assert session.consent("record") is None
    again = consent_of(session)
    assert session.consent("record") == again
