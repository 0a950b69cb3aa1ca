"""`manage.py erase_study SLUG --by NAME --yes`: erases a closed study with everything in it."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from studies.errors import StudyError
from studies.models import Study
from studies.study_erasure import erase_study


class Command(BaseCommand):
    help = "Erase a closed study: participants, consents, recordings, answers, versions. A receipt stays."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slug", help="short name of the study, as in its link")
        parser.add_argument("--by", required=True, help="who erases it, for the record")
        parser.add_argument("--yes", action="store_true", help="really erase it; otherwise say what would go")

    def handle(self, *args: Any, slug: str, by: str, yes: bool, **options: Any) -> None:
        study = Study.objects.filter(slug=slug).first()
        if study is None:
            raise CommandError(f"there is no study called {slug!r}")
        if not yes:
            people = study.participants.count()
            self.stdout.write(f"{study} ({people} participants) would be erased permanently. Add --yes to erase it.")
            return
        try:
            receipt = erase_study(study, by=by)
        except StudyError as error:
            raise CommandError(str(error)) from error
        lines = ", ".join(f"{count} × {label}" for label, count in receipt.lines) or "nothing that was said"
        self.stdout.write(f"{slug} is erased: {lines}. Receipt {receipt.pk}, SHA-256 {receipt.sha256}")
