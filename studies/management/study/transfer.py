"""`import` and `export`: studies come from files and go to files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_slug
from django.db import transaction
from django.db.models import F

from studies.errors import ProtocolError
from studies.management.study.files import (
    STANDARD,
    read_protocol,
    read_text,
    refused,
    stored_protocol,
    version_named,
    write_text,
)
from studies.models import Study, StudyDraft
from studies.protocol.reading.document import parse_yaml, to_yaml
from studies.protocol.reading.yaml_text import MAX_CHARACTERS
from studies.publish import publish

LONGEST_SLUG = 50


def add_import(parser: CommandParser) -> None:
    parser.add_argument("file", help="A YAML file; - for standard input.")
    parser.add_argument("--slug", help="The study's link; the file's name when left out.")
    parser.add_argument(
        "--no-publish",
        action="store_true",
        help="Keep it as the study's draft, with its comments, for the editor; it need not be valid.",
    )


def import_(
    command: BaseCommand, *, file: str, slug: str | None = None, no_publish: bool = False, **options: Any
) -> None:
    """Publishes a file as the newest version of a study, or keeps it as the draft. Raises CommandError."""
    if file == STANDARD and not slug:
        raise CommandError("standard input has no name; say which study it is for with --slug")
    name = _checked_slug(slug or Path(file).stem)
    if no_publish:
        _keep(command, file, name)
        return
    protocol = read_protocol(file)
    try:
        with transaction.atomic():  # a study that cannot be published is not begun
            study, _ = Study.objects.get_or_create(slug=name, defaults={"title": protocol.title})
            before = study.current_version
            version = publish(study, protocol)
    except ProtocolError as error:
        raise refused(f"{file} is a valid protocol, but cannot be published here", error.problems) from None
    done = "Nothing has changed:" if version == before else "Published"
    command.stdout.write(f"{done} {version} ({version.sha256}); {study.get_state_display().lower()} at /s/{name}/")


def add_export(parser: CommandParser) -> None:
    parser.add_argument(
        "names", nargs="+", metavar="STUDY FILE", help="A study's link or link@2, and a YAML file (else it is shown)."
    )
    parser.add_argument("--slug", help="The study, where only a file is given; else it is the file's name.")


def export(command: BaseCommand, *, names: list[str], slug: str | None = None, **options: Any) -> None:
    """Writes a published version to a file, or shows it where none is named. It has the same hash when it is imported
    elsewhere. Raises CommandError."""
    if len(names) > 2 or (len(names) == 2 and slug):
        raise CommandError("name a study and a file: study export STUDY FILE, or study export FILE --slug STUDY")
    file = names[-1] if len(names) == 2 or slug or Path(names[0]).suffix else STANDARD
    version = version_named(names[0] if len(names) == 2 or file == STANDARD else slug or Path(file).stem)
    text = to_yaml(stored_protocol(version))
    if file == STANDARD:
        command.stdout.write(text, ending="")
        return
    write_text(file, text)
    command.stdout.write(f"Wrote {version} ({version.sha256}) to {file}")


def _keep(command: BaseCommand, file: str, slug: str) -> None:
    text = read_text(file)
    if len(text) > MAX_CHARACTERS or "\0" in text:
        raise CommandError(f"{file} is not a protocol: expected text of at most {MAX_CHARACTERS:,} characters")
    try:
        title, problems = parse_yaml(text).title, 0
    except ProtocolError as error:
        title, problems = slug, len(error.problems)
    with transaction.atomic():
        study, _ = Study.objects.get_or_create(slug=slug, defaults={"title": title})
        draft, created = StudyDraft.objects.get_or_create(study=study, defaults={"text": text})
        if not created:
            StudyDraft.objects.filter(pk=draft.pk).update(text=text, revision=F("revision") + 1)
    still = f"; it is not valid yet (problems: {problems})" if problems else ""
    command.stdout.write(f"Kept {file} as the draft of {slug}{still}")


def _checked_slug(name: str) -> str:
    try:
        validate_slug(name)
    except ValidationError:
        hint = "choose one with --slug, of letters, digits, - and _"
        raise CommandError(f"{name!r} cannot be a study's link; {hint}") from None
    if len(name) > LONGEST_SLUG:
        raise CommandError(f"{name!r} is too long for a study's link; choose one of at most 50 characters with --slug")
    return name
