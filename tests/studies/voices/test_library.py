"""Voices, their versions and their speakers' consent: in code and in the database."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta

import numpy as np
import pytest
import soundfile
from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.utils import timezone

from inference.contract.audio import SAMPLE_RATE_HZ
from studies.errors import VoiceRefused
from studies.models import (
    AccessLog,
    ConsentEvent,
    ErasureReceipt,
    PinnedVoice,
    Session,
    TargetVoice,
    TargetVoiceVersion,
    Track,
)
from studies.models.take import recordings
from studies.participant.leaving.page import withdraw
from studies.tasks import erase_expired_recordings
from studies.voices import library
from studies.voices.donation import donation_obstacle, reference_of
from studies.voices.library import Source
from tests.studies.factories import make_session, make_study, make_take
from tests.studies.unguarded import unguarded
from tests.studies.voices.library import add_to, become, consent, expire, make_targeted_study, make_voice, reference
from tests.studies.voices.recordings import babble

__all__ = ["become"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def vera() -> User:
    return User.objects.create_user("vera")


def files_of(voice: TargetVoice) -> list[str]:
    try:
        return sorted(recordings().listdir(f"voices/{voice.pk}")[1])
    except FileNotFoundError:
        return []


def test_version_holds_recording_facts_and_consent(vera: User) -> None:
    version = make_voice(by=vera)
    with version.file.open("rb") as file:
        assert file.read() == reference().flac
    assert (version.number, version.sha256, version.duration_sec) == (1, reference().sha256, 1.0)
    assert (version.speaker, version.licence, version.uploaded_by) == ("Speaker 7", "agreement", vera)
    assert version.quality["verdict"] == "ok"
    assert version.quality["upload"]["container"] == "wav"


def test_versions_are_numbered_on(vera: User) -> None:
    first = make_voice()
    second = add_to(first.voice, f0_hz=150.0)
    assert (second.number, first.voice.newest) == (2, second)
    assert files_of(first.voice) == sorted([f"{first.sha256}.flac", f"{second.sha256}.flac"])


def test_renewed_consent_keeps_the_recording(vera: User) -> None:
    first = make_voice()
    until = timezone.localdate() + timedelta(days=2_000)
    second = library.renew(first, consent(until=until), by=vera)
    assert (second.sha256, second.file.name, second.number) == (first.sha256, first.file.name, 2)
    assert (second.consent_until, second.source) == (until, Source.RENEWED)


def test_recording_that_was_judged_bad_is_not_taken(vera: User) -> None:
    voice = TargetVoice.objects.create(key="noisy", name="Noisy")
    with pytest.raises(VoiceRefused, match="There is too much noise"):
        library.add_version(voice, reference(verdict="refused"), consent(), by=vera, source=Source.UPLOAD)
    assert (voice.newest, files_of(voice)) == (None, [])


def test_consent_that_is_over_is_not_taken() -> None:
    with pytest.raises(VoiceRefused, match="already ended"):
        make_voice(until=timezone.localdate() - timedelta(days=1))


@pytest.mark.parametrize("column", ["speaker", "consent_scope", "evidence", "licence", "licence_text"])
def test_database_refuses_a_voice_without_consent_or_licence(column: str) -> None:
    version = make_voice()
    version.pk, version.number = None, 2
    setattr(version, column, "")
    with pytest.raises(IntegrityError), transaction.atomic():
        version.save(force_insert=True)


@pytest.mark.parametrize(
    ("column", "value"),
    [("sha256", "0" * 64), ("consent_until", "2099-01-01"), ("speaker", "x"), ("quality", {}), ("file", "other.flac")],
)
def test_version_does_not_change(column: str, value: object) -> None:
    version = make_voice()
    with pytest.raises(DatabaseError, match="does not change"), transaction.atomic():
        TargetVoiceVersion.objects.filter(pk=version.pk).update(**{column: value})


@pytest.mark.parametrize(("days", "obstacle"), [(0, ""), (365, ""), (366, "the speaker's consent ended on ")])
def test_consent_holds_to_its_last_day(days: int, obstacle: str) -> None:
    found = make_voice().obstacle_on(timezone.localdate() + timedelta(days=days))
    assert found.startswith(obstacle)
    assert bool(found) == bool(obstacle)


def test_unused_voice_is_deleted_with_its_files(vera: User) -> None:
    voice = make_voice().voice
    library.remove_voice(voice, by="vera")
    assert (TargetVoice.objects.count(), TargetVoiceVersion.objects.count(), files_of(voice)) == (0, 0, [])
    assert AccessLog.objects.filter(reader="vera", action="delete", target="voice anna").count() == 1


def test_voice_of_a_published_study_stays(become: None) -> None:
    version = make_voice()
    published = make_targeted_study()
    with pytest.raises(VoiceRefused, match=f"used by {published}"):
        library.remove_voice(version.voice, by="vera")
    assert files_of(version.voice) == [f"{version.sha256}.flac"]


def test_database_itself_keeps_a_voice_that_is_used(become: None) -> None:
    version = make_voice()
    make_targeted_study()
    with pytest.raises(DatabaseError, match="is not deleted"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM studies_targetvoiceversion WHERE id = %s", [version.pk])
    with pytest.raises(DatabaseError, match="keeps its voices"), transaction.atomic():
        PinnedVoice.objects.update(voice_version=add_to(version.voice, f0_hz=150.0))
    assert TargetVoiceVersion.objects.filter(pk=version.pk).exists()


def test_withdrawal_erases_also_what_is_used(become: None) -> None:
    version = make_voice()
    make_targeted_study()
    add_to(version.voice, f0_hz=150.0)
    receipt = library.withdraw_voice(version.voice, by="vera")
    version.refresh_from_db()
    assert (receipt.code, receipt.files, receipt.study) == ("voice anna", 2, None)
    assert (files_of(version.voice), bool(version.file)) == ([], False)
    assert "the speaker withdrew on" in version.obstacle_on(timezone.localdate())
    assert version.sha256 == reference().sha256


def test_withdrawal_again_leaves_one_receipt_and_deletes_what_was_left() -> None:
    version = make_voice()
    name = version.file.name
    library.withdraw_voice(version.voice, by="vera")
    recordings().save(name, io.BytesIO(b"left by a killed process"))
    library.withdraw_voice(version.voice, by="vera")
    assert (ErasureReceipt.objects.count(), files_of(version.voice)) == (1, [])


def test_withdrawn_voice_gets_no_more_versions(vera: User) -> None:
    version = make_voice()
    library.withdraw_voice(version.voice, by="vera")
    with pytest.raises(VoiceRefused, match="has withdrawn"):
        add_to(version.voice)
    with pytest.raises(VoiceRefused, match="has withdrawn"):
        library.renew(version, consent(), by=vera)


# a participant's own voice


@pytest.fixture
def session() -> Session:
    return make_session(make_study())


def track_of(session: Session, sec: float = 8.0) -> Track:
    track = make_take(session.trials.get(position=0)).tracks.get(kind=Track.Kind.PARTICIPANT)
    speech = babble(sec, 210.0, 1.17, 3)
    recordings().delete(str(track.file.name))
    file = io.BytesIO()
    soundfile.write(file, speech, SAMPLE_RATE_HZ, format="FLAC", subtype="PCM_16")
    file.seek(0)
    recordings().save(str(track.file.name), file)
    sha256 = hashlib.sha256(file.getvalue()).hexdigest()
    Track.objects.filter(pk=track.pk).update(duration_samples=len(speech), sha256=sha256)
    return Track.objects.get(pk=track.pk)


def revoke(session: Session) -> None:
    ConsentEvent.objects.create(session=session, purpose="voice_donation", granted=False, document_sha256="0" * 64)


def give(session: Session, vera: User) -> TargetVoiceVersion:
    voice = TargetVoice.objects.create(key="given", name="Given")
    return library.add_version(voice, reference(), consent(), by=vera, source=Source.PARTICIPANT, donor=session)


def test_participant_who_agreed_can_give_their_voice(session: Session, vera: User) -> None:
    assert donation_obstacle(session) == ""
    part = reference_of(track_of(session), 2.0, 6.0)
    expected = np.asarray(babble(8.0, 210.0, 1.17, 3)[2 * SAMPLE_RATE_HZ : 6 * SAMPLE_RATE_HZ])
    samples, _ = soundfile.read(io.BytesIO(part.flac), dtype="float32")
    np.testing.assert_allclose(samples, expected, atol=1e-4)
    version = give(session, vera)
    assert version.donation is not None
    assert (version.source, version.donation.session, version.donation.purpose) == (
        "participant",
        session,
        "voice_donation",
    )


def test_voice_is_not_made_of_a_damaged_recording(session: Session) -> None:
    track = track_of(session)
    Track.objects.filter(pk=track.pk).update(sha256="0" * 64)
    with pytest.raises(VoiceRefused, match="The recording is damaged"):
        reference_of(Track.objects.get(pk=track.pk), 0, 5)


def test_participant_who_refused_or_was_not_asked_gives_nothing(session: Session, vera: User) -> None:
    track = track_of(session)
    revoke(session)
    with pytest.raises(VoiceRefused, match="did not agree to other people speaking in their voice"):
        reference_of(track, 0, 5)
    with pytest.raises(VoiceRefused, match="did not agree"):
        give(session, vera)
    other = make_session(session.version, "P-002")
    with unguarded():
        ConsentEvent.objects.filter(session=other, purpose="voice_donation").delete()
    assert donation_obstacle(other).startswith("The study did not ask")


def test_database_refuses_a_given_voice_without_that_consent(session: Session, vera: User) -> None:
    version = give(session, vera)
    version.pk, version.number = None, 2
    version.donation = session.consents.get(purpose="record")
    with pytest.raises(IntegrityError, match="granted consent"), transaction.atomic():
        version.save(force_insert=True)
    version.donation = session.consents.get(purpose="voice_donation")
    revoke(session)
    with pytest.raises(IntegrityError, match="granted consent"), transaction.atomic():
        version.save(force_insert=True)


@pytest.mark.parametrize(
    ("kind", "start_sec", "end_sec", "reason"),
    [
        ("heard", 0.0, 5.0, "Only the participant's own track"),
        ("participant", 5.0, 5.0, "must end after it starts"),
        ("participant", -1.0, 5.0, "must end after it starts"),
        ("participant", 20.0, 30.0, "only 8.0 s long"),
        ("participant", 0.0, 600.0, "at most 120 seconds"),
    ],
)
def test_part_of_a_recording_that_is_none(
    kind: str, start_sec: float, end_sec: float, reason: str, session: Session
) -> None:
    track = track_of(session).take.tracks.get(kind=kind)
    with pytest.raises(VoiceRefused, match=reason):
        reference_of(track, start_sec, end_sec)


def test_participant_who_withdraws_takes_the_given_voice_along(session: Session, vera: User) -> None:
    version = give(session, vera)
    withdraw(session)
    version.voice.refresh_from_db()
    assert version.voice.withdrawn_at is not None
    assert files_of(version.voice) == []
    assert set(ErasureReceipt.objects.values_list("code", flat=True)) == {"voice given", "P-001"}


def test_given_voice_is_not_kept_longer_than_the_recordings(session: Session, vera: User) -> None:
    voice = TargetVoice.objects.create(key="given", name="Given")
    late = consent(until=timezone.localdate() + timedelta(days=20_000))
    with pytest.raises(VoiceRefused, match="cannot be kept for longer"):
        library.add_version(voice, reference(), late, by=vera, source=Source.PARTICIPANT, donor=session)


def test_given_voice_goes_with_the_retention_date(
    session: Session, vera: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    given, other = give(session, vera), make_voice()
    study = session.study
    study.retention_until = timezone.localdate() - timedelta(days=1)
    study.save()
    erase_expired_recordings()
    assert [files_of(version.voice) for version in (given, other)] == [[], [f"{other.sha256}.flac"]]


def test_expired_consent_is_told_by_its_day(monkeypatch: pytest.MonkeyPatch) -> None:
    version = make_voice()
    expire(version, monkeypatch)
    assert version.obstacle_on(timezone.localdate()).startswith("the speaker's consent ended on")
