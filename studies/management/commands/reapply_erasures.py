"""`manage.py reapply_erasures [FILE]`: after a backup was restored, erases again what had been erased since it was
made."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from studies.erasure_log import entries
from studies.errors import StudyError
from studies.models import Session, Study, Take, TargetVoice
from studies.participant.leaving.page import take_back_purpose, withdraw
from studies.study_erasure import erase_study
from studies.talk.filing.erasure import erase_takes
from studies.tasks import erase_expired_recordings
from studies.voices.library import withdraw_voice

BY = "restored backup"


class Command(BaseCommand):
    help = "Apply the withdrawals and erasures of the erasure log to a database that was restored. Safe to repeat."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="the log; the one in ERASURE_LOG without it")

    def handle(self, *args: Any, file: Path | None, **options: Any) -> None:
        done: Counter[str] = Counter()
        try:
            for entry in entries(file or Path(settings.ERASURE_LOG)):
                done[entry["what"]] += _apply(entry)
        except OSError as error:
            raise CommandError(f"the log cannot be read: {error.strerror}") from None
        except (StudyError, KeyError) as error:
            raise CommandError(str(error)) from error
        erase_expired_recordings()
        lines = ", ".join(f"{count} × {what}" for what, count in sorted(done.items()) if count)
        self.stdout.write(f"Applied again: {lines or 'nothing, for all of it was erased'}.")


def _apply(entry: dict[str, str]) -> bool:
    """Returns whether there was something to do."""
    match entry["what"]:
        case "withdrawal":
            sessions = [each for each in _sessions(entry) if each.state != Session.State.WITHDRAWN]
            if sessions:
                withdraw(sessions[0])
            return bool(sessions)
        case "purpose":
            return sum(take_back_purpose(session, entry["purpose"]) for session in _sessions(entry)) > 0
        case "take":
            takes = Take.objects.filter(pk=entry["take"], trial__session__in=_sessions(entry))
            return erase_takes(takes, why=Take.ErasedBecause.ON_REQUEST).takes > 0
        case "voice":
            voices = list(TargetVoice.objects.filter(key=entry["voice"], withdrawn_at=None))
            for voice in voices:
                withdraw_voice(voice, by=BY)
            return bool(voices)
        case "study":
            studies = list(Study.objects.filter(slug=entry["study"], created_at__lt=entry["at"]))
            for study in studies:
                Study.objects.filter(pk=study.pk).update(state=Study.State.CLOSED)
                study.refresh_from_db()
                erase_study(study, by=BY)
            return bool(studies)
    raise StudyError(f"the log has an entry of an unknown kind: {entry['what']!r}")


def _sessions(entry: dict[str, str]) -> list[Session]:
    found = Session.objects.filter(participant__study__slug=entry["study"], participant__code=entry["code"])
    return list(found.select_related("participant__study", "version__study"))
