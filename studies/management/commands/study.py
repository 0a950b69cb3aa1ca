"""`manage.py study validate|import|export`: protocols as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from studies.errors import ProtocolError
from studies.models import Study
from studies.protocol.document import parse_yaml, sha256_of, to_yaml
from studies.protocol.schema import Protocol
from studies.publish import protocol_of, publication_problems, publish


class Command(BaseCommand):
    help = "Check a protocol file, publish it as a study's newest version, or write a study's protocol to a file."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["validate", "import", "export"])
        parser.add_argument("file", type=Path, help="A YAML file.")
        parser.add_argument("--slug", help="The study's link; the file's name when left out.")

    def handle(self, *args: Any, action: str, file: Path, slug: str | None, **options: Any) -> None:
        name = slug or file.stem
        if action == "export":
            self._export(file, name)
            return
        protocol = self._read(file, name)
        if action == "validate":
            self.stdout.write(f"{file} is a valid protocol: {protocol.title} ({sha256_of(protocol)[:12]})")
            return
        study, _ = Study.objects.get_or_create(slug=name, defaults={"title": protocol.title})
        self.stdout.write(f"Published {publish(study, protocol)}; {study.get_state_display().lower()} at /s/{name}/")

    def _read(self, file: Path, slug: str) -> Protocol:
        try:
            protocol = parse_yaml(file.read_text(encoding="utf-8"))
            problems = publication_problems(protocol, Study.objects.filter(slug=slug).first())
            if problems:
                raise ProtocolError(problems)
        except OSError as error:
            raise CommandError(f"{file} cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise CommandError(f"{file} is not UTF-8 text") from None
        except ProtocolError as error:
            lines = "\n".join(f"  {problem}" for problem in error.problems)
            raise CommandError(f"{file} is not a valid protocol:\n{lines}") from None
        return protocol

    def _export(self, file: Path, slug: str) -> None:
        version = Study.objects.get(slug=slug).current_version if Study.objects.filter(slug=slug).exists() else None
        if version is None:
            raise CommandError(f"there is no published study called {slug}")
        file.write_text(to_yaml(protocol_of(version)), encoding="utf-8")
        self.stdout.write(f"Wrote {version} to {file}")
