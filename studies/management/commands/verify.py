"""`manage.py verify`: what is stored without a right to be there, and what no longer is what was stored."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from studies.verification import findings


class Command(BaseCommand):
    help = "List files without a right to be there and recordings that no longer fit their SHA-256. Changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(findings(timezone.localdate()))
        for finding in found:
            self.stdout.write(str(finding))
        if found:
            raise CommandError(f"{len(found)} problems were found; docs/operator.md says what to do")
        self.stdout.write("Everything that is stored is allowed to be there and is unchanged.")
