"""The database refuses by itself, whatever the code above it does."""

from __future__ import annotations

import datetime as dt
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.migrations import Migration
from django.db.models import Field, Model
from django.utils import timezone

from studies.errors import FrozenError
from studies.models import (
    AccessLog,
    Answer,
    Condition,
    ConsentDocument,
    ConsentEvent,
    EngineSnapshot,
    Erasure,
    ErasureReceipt,
    Export,
    Judgement,
    Participant,
    PinnedVoice,
    Prompt,
    ProtocolVersion,
    Session,
    Study,
    Take,
    TargetVoice,
    TargetVoiceVersion,
    Track,
    Trial,
    VoiceSnapshot,
)
from studies.models.guards import empty_write_ahead_log, erasing

pytestmark = pytest.mark.django_db


@pytest.fixture
def session() -> Session:
    return Session.objects.create(**a_session())


def a_session() -> dict[str, Any]:
    study = Study.objects.create(slug="guarded", title="Guarded")
    version = ProtocolVersion.objects.create(study=study, number=1, document={}, sha256="0" * 64)
    return {"participant": Participant.objects.create(study=study, code="P1"), "version": version}


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


def everything(session: Session) -> dict[str, Model]:
    """A row of each table that is only appended to, or that a published version is made of."""
    version, study = session.version, session.study
    consent_of(session)
    take = take_of(session)
    pinned = TargetVoiceVersion.objects.create(
        voice=TargetVoice.objects.create(key="anna", name="Anna", withdrawn_at=timezone.now()),
        number=1,
        sha256="0" * 64,
        sample_rate_hz=24_000,
        duration_samples=1,
        quality={},
        speaker="Anna",
        consent_scope="All of it",
        consent_until=dt.date(2030, 1, 1),
        licence="cc0",
        evidence="Form 1",
        source="upload",
    )
    rows: dict[str, Model] = {
        "consent": consent_of(session, granted=False),
        "answer": Answer.objects.create(session=session, item="age", value=40),
        "judgement": Judgement.objects.create(session=session, pair=0, item="better", choice="A", order_shown=[]),
        "access": AccessLog.objects.create(reader="rosa", action="listen", target="a take"),
        "export": Export.objects.create(study=study, kind="trials", rows=1),
        "receipt": ErasureReceipt.objects.create(study=study, code="P0", takes=0, files=0, answers=0),
        "erasure": Erasure.objects.create(by="rosa", target="a study", ended_at=timezone.now()),
        "document": ConsentDocument.objects.create(version=version, sha256="0" * 64, language="en", body="Agree?"),
        "condition": take.trial.condition,
        "prompt": take.trial.prompt,
        "trial": take.trial,
        "pin": PinnedVoice.objects.create(condition=take.trial.condition, voice_version=pinned),
        "voice": pinned,
        "target": pinned.voice,
        "engine": EngineSnapshot.objects.create(sha256="0" * 64, name="echo", info={}),
        "converter": VoiceSnapshot.objects.create(sha256="0" * 64, name="none", info={}),
        "version": version,
    }
    ProtocolVersion.objects.filter(pk=version.pk).update(published_at=timezone.now())
    Session.objects.filter(pk=session.pk).update(state=Session.State.WITHDRAWN)
    return rows | {"session": session}


CHANGES: list[tuple[str, dict[str, object]]] = [
    ("consent", {"granted": True}),
    ("answer", {"value": 41}),
    ("judgement", {"choice": "B"}),
    ("access", {"reader": "nobody"}),
    ("export", {"rows": 2}),
    ("receipt", {"files": 7}),
    ("erasure", {"by": "nobody"}),
    ("erasure", {"ended_at": None}),
    ("document", {"body": "Agreed."}),
    ("condition", {"text_prompt": "Be rude."}),
    ("condition", {"latency_samples": 480}),
    ("prompt", {"card": "Say something else."}),
    ("trial", {"practice": True}),
    ("trial", {"pair": 3}),
    ("pin", {"condition_id": 0}),
    ("voice", {"sha256": "1" * 64}),
    ("voice", {"donation_id": 0}),
    ("target", {"withdrawn_at": None}),
    ("engine", {"info": {"name": "another"}}),
    ("converter", {"info": {"name": "another"}}),
    ("version", {"document": {"changed": True}}),
    ("session", {"state": "started"}),
]


@pytest.mark.parametrize(("name", "change"), CHANGES, ids=[f"{name} {next(iter(change))}" for name, change in CHANGES])
def test_row_that_is_frozen_is_not_updated(session: Session, name: str, change: dict[str, object]) -> None:
    row = everything(session)[name]
    rows = type(row)._base_manager.filter(pk=row.pk)
    before = rows.values().get()
    with pytest.raises(DatabaseError), transaction.atomic():
        rows.update(**change)
    assert rows.values().get() == before


KEPT = ("consent", "answer", "judgement", "access", "export", "receipt", "erasure", "document", "pin")


@pytest.mark.parametrize("name", KEPT)
def test_row_that_is_only_appended_is_not_deleted(session: Session, name: str) -> None:
    row = everything(session)[name]
    with pytest.raises(DatabaseError, match=r"only appended|keeps its voices|not deleted"), transaction.atomic():
        row.delete()
    assert type(row)._base_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("table", ["condition", "prompt", "protocolversion"])
def test_row_of_a_published_version_is_not_deleted(session: Session, table: str) -> None:
    everything(session)
    with pytest.raises(DatabaseError, match="is not deleted"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM studies_{table}")


def test_deleting_a_withdrawal_does_not_restore_the_consent(session: Session) -> None:
    consent_of(session)
    withdrawal = consent_of(session, granted=False)
    with pytest.raises(DatabaseError, match="only appended"), transaction.atomic():
        withdrawal.delete()
    assert session.consent("record") is None


@pytest.mark.skipif(connection.vendor != "sqlite", reason="REPLACE is SQLite's")
def test_replacing_a_row_is_deleting_it(session: Session) -> None:
    event = consent_of(session, granted=False)
    with pytest.raises(DatabaseError, match="only appended"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "REPLACE INTO studies_consentevent SELECT id, purpose, 1, document_sha256, at, session_id, language "
            "FROM studies_consentevent WHERE id = %s",
            [event.pk],
        )
    assert session.consent("record") is None


@pytest.mark.services
@pytest.mark.parametrize("table", ["consentevent", "accesslog", "erasure", "condition"])
def test_table_that_is_only_appended_to_is_not_emptied(session: Session, table: str) -> None:
    with pytest.raises(DatabaseError, match="only appended"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE studies_{table} CASCADE")


def test_answers_before_a_consent_are_not_kept(session: Session) -> None:
    answer = Answer.objects.create(session=session, item="age", value=40)
    consent_of(session, granted=False)
    answer.delete()
    assert not Answer.objects.exists()


def test_erasing_may_delete_and_is_recorded(session: Session) -> None:
    rows = everything(session)
    with erasing(by="rosa", target="what was said"):
        rows["judgement"].delete()
    assert not Judgement.objects.exists()
    erasure = Erasure.objects.latest("id")
    assert (erasure.by, erasure.target, erasure.ended_at is not None) == ("rosa", "what was said", True)
    with pytest.raises(DatabaseError, match="only appended"), transaction.atomic():
        rows["answer"].delete()


def test_erasing_that_fails_leaves_no_way_open(session: Session) -> None:
    everything(session)

    def fail_while_erasing() -> None:
        with erasing(by="rosa", target="what was said"):
            Judgement.objects.all().delete()
            raise OSError("away")

    with pytest.raises(OSError, match="away"):
        fail_while_erasing()
    with pytest.raises(DatabaseError, match="only appended"), transaction.atomic():
        Judgement.objects.all().delete()
    assert Judgement.objects.count() == 1


def test_researchers_account_can_be_deleted_though_they_exported(session: Session) -> None:
    rosa = User.objects.create_user("rosa")
    Export.objects.create(study=session.study, kind="trials", rows=1, made_by=rosa)
    rosa.delete()
    assert Export.objects.get().made_by is None


@pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite alone")
@pytest.mark.django_db(transaction=True)
def test_log_of_writes_keeps_nothing_of_what_was_erased() -> None:
    User.objects.create_user("somebody-who-will-be-erased").delete()
    file = Path(f"{connection.settings_dict['NAME']}-wal")
    assert b"somebody-who-will-be-erased" in file.read_bytes()
    empty_write_ahead_log()
    assert file.read_bytes() == b""
    assert b"somebody-who-will-be-erased" not in Path(str(connection.settings_dict["NAME"])).read_bytes()


@pytest.mark.parametrize(
    ("model", "name"), [(ProtocolVersion, "sha256"), (ConsentEvent, "language"), (Trial, "side"), (Erasure, "by")]
)
@pytest.mark.django_db(transaction=True)
def test_migration_may_rebuild_a_table_that_the_guards_ask(model: type[Model], name: str) -> None:
    column = model._meta.get_field(name)
    assert isinstance(column, Field)
    other = deepcopy(column)
    other.null = True
    emit_pre_migrate_signal(0, False, "default", apps=apps, plan=[(Migration("rebuild", "studies"), False)])
    for old, new in ((column, other), (other, column)):
        with connection.schema_editor() as editor:
            editor.alter_field(model, old, new)
    emit_post_migrate_signal(0, False, "default", apps=apps, plan=[(Migration("rebuild", "studies"), False)])
    session = Session.objects.create(**a_session())
    with pytest.raises(DatabaseError, match="only appended"):
        consent_of(session).delete()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="of SQLite alone")
def test_what_is_deleted_is_overwritten_in_the_file() -> None:
    with connection.cursor() as cursor:
        found = [cursor.execute(f"PRAGMA {name}").fetchone() for name in ("secure_delete", "recursive_triggers")]
    assert found == [(1,), (1,)]


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
