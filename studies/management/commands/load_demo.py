"""`manage.py load_demo`: the demo studies, published and open to visitors."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from studies.models.study import DEMONSTRATION, Study
from studies.protocol.reading.document import parse_yaml
from studies.publish import open_study, publish
from studies.talk.filing.erasure import erase_expired

TEMPLATES = Path(settings.BASE_DIR) / "studies" / "protocol" / "templates"
RETENTION_DAYS = 30


class Command(BaseCommand):
    help = "Load, publish and open the study templates as demos. Safe to repeat: a changed demo becomes a new version."

    def handle(self, *args: Any, **options: Any) -> None:
        for path in sorted(TEMPLATES.glob("*.yaml")):
            study = load(path.stem, path.read_text(encoding="utf-8"), today=timezone.localdate())
            self.stdout.write(f"{study.title}: {study.current_version}, {study.get_state_display().lower()}")


def load(slug: str, text: str, *, today: date) -> Study:
    """The demo study of `slug` with `text` as its newest version.

    Opened the first time, and again once its retention has run out and what it kept is erased; a researcher who
    pauses or closes a demo is not overruled. Raises ProtocolError."""
    protocol = parse_yaml(text)
    study, created = Study.objects.get_or_create(slug=slug, defaults={"title": protocol.title, "is_demo": True})
    if study.title != protocol.title:
        study.title = protocol.title
        study.save(update_fields=["title"])
    publish(study, protocol)
    expired = study.retention_until is not None and study.retention_until < today
    if expired:
        erase_expired(today)  # before the date moves on, or what is due would be kept for another month
    if created or (expired and study.state == Study.State.OPEN):
        open_study(study, ethics_reference=DEMONSTRATION, retention_until=today + timedelta(days=RETENTION_DAYS))
    return study
