"""`manage.py create_researcher [NAME]`: an account and its password, printed once."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from studies.researcher.access import create_researcher, researchers_group

DEFAULT_NAME = "researcher"


class Command(BaseCommand):
    help = "Creates a researcher with a random password, printed once. Without a name: only if there is none yet."

    def add_arguments(self, parser: ArgumentParser) -> None:
        about = f"Name to sign in with; {DEFAULT_NAME!r} for the first one."
        parser.add_argument("name", nargs="?", help=about)
        parser.add_argument("--username", help="The same.")

    def handle(self, *, name: str | None, username: str | None, **options: Any) -> None:
        username = name or username
        researchers_group()
        there_is = User.objects.filter(username=username) if username else User.objects.filter(is_staff=True)
        existing = there_is.order_by("id").first()
        if existing is not None:
            name = existing.get_username()
            self.stdout.write(f"Researcher {name} exists. New password: python manage.py changepassword {name}")
            return
        name = username or DEFAULT_NAME
        try:
            User(username=name).clean_fields(exclude=["password"])
        except ValidationError as error:
            raise CommandError(f"The name {name!r}: {' '.join(error.messages)}") from error
        password = create_researcher(name)
        self.stdout.write(f"Researcher created. Name: {name}  Password: {password}  (shown only now; keep it safe)")
