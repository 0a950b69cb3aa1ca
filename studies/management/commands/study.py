"""`manage.py study validate|import|export|diff|schema|simulate`: protocols as files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from studies.management.study import checking, simulating, transfer

AddArguments = Callable[[CommandParser], None]
Run = Callable[..., None]

ACTIONS: dict[str, tuple[str, AddArguments, Run]] = {
    "validate": ("Check a file, and list all that is wrong in it.", checking.add_validate, checking.validate),
    "import": ("Publish a file as a study's newest version.", transfer.add_import, transfer.import_),
    "export": ("Write a published version to a file.", transfer.add_export, transfer.export),
    "diff": ("Say what changed between two files or versions.", checking.add_diff, checking.diff),
    "schema": ("Write the JSON Schema of protocols, for editors.", checking.add_schema, checking.schema),
    "simulate": (
        "Send bots through a study, and hold the export against what they did.",
        simulating.add_simulate,
        simulating.simulate,
    ),
}


class Command(BaseCommand):
    help = "Studies as files: check them, publish them, write them out, compare them."
    requires_system_checks = ()  # a file can be checked wherever this runs

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", metavar="|".join(ACTIONS), required=True)
        for name, (about, add_arguments, _) in ACTIONS.items():
            add_arguments(actions.add_parser(name, help=about, description=about))

    def handle(self, *args: Any, action: str, **options: Any) -> None:
        try:
            ACTIONS[action][2](self, **options)
        except DatabaseError as error:
            raise CommandError(f"the database cannot be used: {error}. Run `manage.py migrate` first.") from None
