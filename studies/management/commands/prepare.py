"""`manage.py prepare`: all that must be there before the first start, and nothing twice."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = (
        "Bring the database up to date and create the first researcher. Load and open the demo studies too, unless in "
        "production: there only with DEMO_STUDIES=true, and "
        "with the files of its pages collected."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        if settings.OPENS_DEMOS:
            call_command("load_demo")
        call_command("create_researcher")
        if not settings.WHITENOISE_USE_FINDERS:
            call_command("collectstatic", verbosity=0, interactive=False, clear=True)
