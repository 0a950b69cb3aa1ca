"""Protocols as files, and as published versions named on the command line."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from django.core.management.base import CommandError

from studies.errors import Problem, ProtocolError
from studies.models import ProtocolVersion, Study
from studies.protocol.reading.document import parse_yaml
from studies.protocol.reading.problems import suggestion
from studies.protocol.schema import Protocol
from studies.publish import protocol_of

STANDARD = "-"
"""Stands for standard input, or output."""


def read_text(file: str) -> str:
    """Raises CommandError for a file that cannot be read, or is no text."""
    try:
        content = sys.stdin.buffer.read() if file == STANDARD else Path(file).read_bytes()
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except (OSError, ValueError) as error:
        if isinstance(error, UnicodeDecodeError):
            raise CommandError(f"{file} is not UTF-8 text; is it a YAML file?") from None
        raise CommandError(f"{file} cannot be read: {_reason(error)}") from None


def read_protocol(file: str) -> Protocol:
    """Raises CommandError with every problem and its line."""
    try:
        return parse_yaml(read_text(file))
    except ProtocolError as error:
        raise refused(f"{file} is not a valid protocol", error.problems) from None


def write_text(file: str, text: str) -> None:
    """Raises CommandError for a file that cannot be written."""
    try:
        Path(file).write_text(text, encoding="utf-8", newline="\n")
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} cannot be written: {_reason(error)}") from None


def refused(what: str, problems: Iterable[Problem]) -> CommandError:
    """`what`, and a line for each problem."""
    return CommandError("\n".join([f"{what}:", *(f"  {_in_line(problem)}" for problem in problems)]))


def version_named(name: str) -> ProtocolVersion:
    """`slug`: a study's current version; `slug@2`: its second. Raises CommandError."""
    slug, _, number = name.partition("@")
    study = Study.objects.filter(slug=slug).first()
    if study is None:
        known = Study.objects.values_list("slug", flat=True)
        raise CommandError(f"there is no study called {slug}; {suggestion(slug, known)}")
    if not number:
        if study.current_version is None:
            raise CommandError(f"{slug} has no published version yet")
        return study.current_version
    published = {str(version.number): version for version in study.versions.filter(published_at__isnull=False)}
    if number not in published:
        numbers = ", ".join(sorted(published, key=int))
        raise CommandError(f"{slug} has no version {number}; it has {numbers or 'none'}")
    return published[number]


def protocol_named(name: str) -> Protocol:
    """A file where there is one, or a study's version. Raises CommandError."""
    if name == STANDARD or Path(name).exists() or Path(name).suffix in (".yaml", ".yml"):
        return read_protocol(name)
    return stored_protocol(version_named(name))


def stored_protocol(version: ProtocolVersion) -> Protocol:
    """Raises CommandError for a version of a schema that is not known any more."""
    try:
        return protocol_of(version)
    except ProtocolError as error:
        raise refused(f"{version} does not fit this version of the software", error.problems) from None


def _in_line(problem: Problem) -> str:
    in_front = problem.line is not None and not problem.path.startswith("line ")
    return f"line {problem.line}: {problem}" if in_front else str(problem)


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
