"""A study can be erased as a whole; and what was erased stays so when a backup is restored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from studies import erasure_log
from studies.errors import RecordingError, StudyError
from studies.models import (
    AccessLog,
    ConsentEvent,
    Erasure,
    ErasureReceipt,
    Export,
    Participant,
    ProtocolVersion,
    Session,
    Study,
    Take,
    TargetVoice,
    Track,
)
from studies.participant.leaving.page import take_back_purpose, withdraw
from studies.study_erasure import erase_study
from studies.verification import findings
from studies.voices.library import withdraw_voice
from tests.studies.factories import PROTOCOL, make_answer, make_judgement, make_session, make_study, make_take
from tests.studies.unguarded import unguarded
from tests.studies.voices.library import become, make_targeted_study, make_voice

__all__ = ["become"]
CONVERT = "    - {key: convert, label: My voice may be changed.}\n"
QUOTING = PROTOCOL.replace(CONVERT, CONVERT + "    - {key: quote, label: Quote me., required: false}\n")
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def log_file(settings: Any, tmp_path: Path) -> Path:
    settings.ERASURE_LOG = tmp_path / "erasures.jsonl"
    return tmp_path / "erasures.jsonl"


@pytest.fixture
def version() -> ProtocolVersion:
    version = make_study(protocol=QUOTING)
    session = make_session(version)
    for trial in session.trials.all():
        make_take(trial)
        make_answer(trial, "why", "because")
    make_judgement(session, "better", "A")
    Export.objects.create(study=version.study, kind="trials", rows=2)
    withdraw(make_session(version, "P-002"))
    return version


@pytest.fixture
def other() -> Iterator[Session]:
    """Somebody in another study, of whom everything stays."""
    session = make_session(make_study("others"))
    make_take(session.trials.get(position=0))
    yield session
    assert (Track.objects.count(), Study.objects.get().slug) == (3, "others")


def command(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue().strip()


@pytest.mark.usefixtures("other")
def test_study_is_erased_with_everything_in_it_and_leaves_a_receipt(version: ProtocolVersion, log_file: Path) -> None:
    study = version.study
    folders = [
        settings.RECORDINGS_DIR / str(pk)
        for pk in Take.objects.filter(trial__session__version=version).values_list("pk", flat=True)
    ]
    Study.objects.filter(pk=study.pk).update(state=Study.State.CLOSED)
    assert "would be erased permanently" in command("erase_study", "voices", "--by", "rosa")
    assert "6 × recordings" in command("erase_study", "voices", "--by", "rosa", "--yes")
    assert not Study.objects.filter(slug="voices").exists()
    assert [folder.exists() for folder in folders] == [False, False]
    receipt = ErasureReceipt.objects.get()
    assert (receipt.code, receipt.study, receipt.takes, receipt.files, receipt.answers) == (
        "study voices",
        None,
        2,
        8,
        3,
    )
    erasure = Erasure.objects.latest("id")
    assert (erasure.by, erasure.target, erasure.ended_at is not None) == ("rosa", "study voices", True)
    assert [entry["what"] for entry in erasure_log.entries(log_file)] == ["withdrawal", "study"]
    found = list(findings(erasure.begun_at.date()))  # other tests leave files, too
    assert [finding for finding in found if any(folder.name in finding.what for folder in folders)] == []


@pytest.mark.parametrize("state", ["open", "paused"])
def test_study_that_takes_in_people_is_not_erased(version: ProtocolVersion, state: str) -> None:
    Study.objects.update(state=state)
    with pytest.raises(StudyError, match="Close it first"):
        erase_study(Study.objects.get(), by="rosa")
    with pytest.raises(CommandError, match="Close it first"):
        command("erase_study", "voices", "--by", "rosa", "--yes")
    assert (Participant.objects.count(), Track.objects.count()) == (2, 6)


@pytest.mark.usefixtures("become")
def test_study_whose_voice_another_uses_is_not_erased() -> None:
    voice = make_voice("anna").voice
    make_targeted_study()
    own = Study.objects.create(slug="own", title="Own")
    TargetVoice.objects.filter(pk=voice.pk).update(study=own)
    with pytest.raises(StudyError, match="The voice anna belongs to own and is used by"):
        erase_study(own, by="rosa")
    assert Study.objects.filter(slug="own").exists()


def test_what_was_taken_back_since_the_backup_is_taken_back_again(version: ProtocolVersion, log_file: Path) -> None:
    voice = make_voice("anna").voice
    stays, goes = make_session(version, "P-003"), Session.objects.get(participant__code="P-001")
    take_back_purpose(stays, "quote")
    withdraw(goes)
    withdraw_voice(voice, by="rosa")
    noted = [{name: value for name, value in entry.items() if name != "at"} for entry in erasure_log.entries(log_file)]
    assert noted == [
        {"what": "withdrawal", "study": "voices", "code": "P-002"},
        {"what": "purpose", "study": "voices", "code": "P-003", "purpose": "quote"},
        {"what": "withdrawal", "study": "voices", "code": "P-001"},
        {"what": "voice", "voice": "anna"},
    ]
    assert log_file.stat().st_mode & 0o777 == 0o600
    with unguarded():  # as in the backup
        ConsentEvent.objects.filter(granted=False).delete()
        ErasureReceipt.objects.all().delete()
        Session.objects.update(state=Session.State.STARTED)
        TargetVoice.objects.update(withdrawn_at=None)
        Take.objects.update(erased_because="")
    make_take(goes.trials.get(position=0))
    said = "Applied again: 1 × purpose, 1 × voice, 2 × withdrawal."
    assert command("reapply_erasures", str(log_file)) == said
    states = dict(Session.objects.values_list("participant__code", "state"))
    assert states == {"P-001": "withdrawn", "P-002": "withdrawn", "P-003": "started"}
    assert (stays.consent("quote"), stays.consent("record") is not None) == (None, True)
    assert (Track.objects.count(), ErasureReceipt.objects.count()) == (0, 3)
    assert TargetVoice.objects.get().withdrawn_at is not None
    assert command("reapply_erasures") == "Applied again: nothing, for all of it was erased."


def test_study_that_was_erased_since_the_backup_is_erased_again(version: ProtocolVersion, log_file: Path) -> None:
    log_file.write_text(json.dumps({"at": "2999-01-01T00:00:00+00:00", "what": "study", "study": "voices"}) + "\n")
    assert command("reapply_erasures") == "Applied again: 1 × study."
    assert not Study.objects.exists()


def test_study_of_the_same_name_that_was_made_since_stays(version: ProtocolVersion, log_file: Path) -> None:
    log_file.write_text(json.dumps({"at": "2020-01-01T00:00:00+00:00", "what": "study", "study": "voices"}) + "\n")
    assert command("reapply_erasures") == "Applied again: nothing, for all of it was erased."
    assert Study.objects.exists()


@pytest.mark.parametrize("line", ["nonsense", "[]", '"text"'])
def test_line_that_is_no_entry_is_named(line: str, log_file: Path) -> None:
    log_file.write_text(f"\n{line}\n".lstrip())
    with pytest.raises(RecordingError, match="line 1 of"):
        list(erasure_log.entries(log_file))
    with pytest.raises(CommandError, match="line 1 of"):
        command("reapply_erasures")


def test_log_that_is_not_there_is_said(log_file: Path) -> None:
    with pytest.raises(CommandError, match="the log cannot be read: No such file"):
        command("reapply_erasures")


def test_log_that_cannot_be_written_holds_up_nobody(version: ProtocolVersion, log_file: Path, settings: Any) -> None:
    settings.ERASURE_LOG = log_file / "nowhere" / "log"
    withdraw(Session.objects.get(participant__code="P-001"))
    assert Session.objects.get(participant__code="P-001").state == Session.State.WITHDRAWN
    assert not AccessLog.objects.filter(action="listen").exists()
