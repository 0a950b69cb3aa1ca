"""`validate`, `diff` and `schema`: nothing is changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError

from studies.design.balance import ARMS, balance
from studies.management.study.files import STANDARD, protocol_named, read_protocol, refused, write_text
from studies.models import Study
from studies.protocol.diff import changes, in_words
from studies.protocol.reading.document import sha256_of
from studies.protocol.reference import json_schema, reference
from studies.protocol.schema import Protocol
from studies.publish import publication_problems


def add_validate(parser: CommandParser) -> None:
    parser.add_argument("file", help="A YAML file; - for standard input.")
    parser.add_argument("--slug", help="The study it is for; the file's name when left out.")


def validate(command: BaseCommand, *, file: str, slug: str | None = None, **options: Any) -> None:
    """Says whether a file could be published here, and how even its design is. Raises CommandError with everything that
    is wrong."""
    protocol = read_protocol(file)
    try:
        study = Study.objects.filter(slug=slug or Path(file).stem).first()
        obstacles = publication_problems(protocol, study)
    except DatabaseError:
        obstacles = []
        command.stderr.write("The database cannot be asked, so target voices and delays were not checked.")
    if obstacles:
        raise refused(f"{file} is a valid protocol, but cannot be published here", obstacles)
    valid = f"{file} is a valid protocol: {protocol.title} ({sha256_of(protocol)})"
    command.stdout.write("\n  ".join([valid, *_counterbalance(protocol)]))


def add_diff(parser: CommandParser) -> None:
    for name in ("old", "new"):
        parser.add_argument(name, help="A YAML file, a study's link (its current version), or link@2 (its second).")


def diff(command: BaseCommand, *, old: str, new: str, **options: Any) -> None:
    """Says what changed. Raises CommandError for what cannot be read."""
    command.stdout.write(in_words(changes(protocol_named(old), protocol_named(new))))


def add_schema(parser: CommandParser) -> None:
    parser.add_argument(
        "file", nargs="?", default=STANDARD, help="Where to write it, as a reference in Markdown if it ends in .md."
    )


def schema(command: BaseCommand, *, file: str, **options: Any) -> None:
    """Writes the JSON Schema of protocols, for editors, or the reference made from it. Raises CommandError."""
    text = json.dumps(json_schema(), indent=2, ensure_ascii=False)
    if file == STANDARD:
        command.stdout.write(text)
    elif Path(file).suffix == ".md":
        write_text(file, reference())
        command.stdout.write(f"Wrote the reference of the study format to {file}")
    else:
        write_text(file, f"{text}\n")
        command.stdout.write(f"Wrote the JSON Schema of protocols to {file}")


def _counterbalance(protocol: Protocol) -> Iterator[str]:
    """How many orders there are, and in a sentence each how even they are; nothing for an explore study."""
    for table in balance(protocol):
        if table.title == ARMS:
            for group, (arms, talks) in zip(table.rows, table.counts, strict=True):
                yield f"{ARMS}, {group}: {arms} of {talks} talks"
        yield f"{table.title}: {table.note}"
