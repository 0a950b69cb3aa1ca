"""`manage.py export SLUG [FILE] --table trials|sessions|answers [--excel]`: a table of a study, as researchers download
it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from studies.exports.tables import TABLES, write
from studies.models import Study


class Command(BaseCommand):
    help = "Write a table of a study as CSV, to a file or to standard output."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="short name of the study, as in its link")
        parser.add_argument("file", nargs="?", default="-", help="where to write; standard output without it")
        parser.add_argument("--table", choices=list(TABLES), default="trials")
        parser.add_argument("--excel", action="store_true", help="begin with the mark by which Excel knows UTF-8")
        # the file may also stand behind the options, where argparse by itself does not look for it
        parser.parse_args = parser.parse_intermixed_args  # type: ignore[method-assign]

    def handle(self, *args: Any, slug: str, file: str, table: str, excel: bool, **options: Any) -> None:
        study = Study.objects.filter(slug=slug).first()
        if study is None:
            known = ", ".join(Study.objects.values_list("slug", flat=True)) or "none"
            raise CommandError(f"there is no study called {slug!r}; there are: {known}")
        if file == "-":
            write(study, TABLES[table], lambda lines: self.stdout.write(lines, ending=""), excel=excel)
            return
        try:
            with Path(file).open("w", encoding="utf-8", newline="") as target:
                write(study, TABLES[table], target.write, excel=excel)
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}") from None
