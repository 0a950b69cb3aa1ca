"""Reports on a draft for the editor: its problems with their places, and its content as plain data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from studies.errors import Problem, ProtocolError
from studies.models import Study
from studies.protocol.reading import yaml_text
from studies.protocol.reading.document import parse_read, sha256_of, upgraded
from studies.protocol.schema import Protocol
from studies.publish import publication_problems


@dataclass(frozen=True, slots=True)
class Report:
    """The result of checking a draft.

    `errors` make it invalid; `obstacles` keep a valid one from being published today. `protocol` is None if the draft
    is invalid. `document` is the content of the YAML, valid or not, as JSON data; None if it cannot be read."""

    errors: tuple[Problem, ...]
    obstacles: tuple[Problem, ...]
    protocol: Protocol | None
    document: dict[str, Any] | None

    def as_json(self) -> dict[str, Any]:
        """Returns the report as JSON data for the page. Lines and columns count from 1."""
        errors = [_as_json(problem, "error") for problem in self.errors]
        return {
            "problems": errors + [_as_json(problem, "obstacle") for problem in self.obstacles],
            "valid": self.protocol is not None,
            "sha256": sha256_of(self.protocol) if self.protocol is not None else "",
            "document": self.document,
        }


def report_on(text: str, study: Study) -> Report:
    """Checks a draft of `study`. Never raises, whatever `text` contains."""
    try:
        read = yaml_text.read(text)
    except ProtocolError as error:
        return Report(tuple(error.problems), (), None, None)
    try:
        protocol = parse_read(read)
    except ProtocolError as error:
        return Report(tuple(error.problems), (), None, _data_of(read))
    obstacles = tuple(read.located(problem) for problem in publication_problems(protocol, study))
    return Report((), obstacles, protocol, _data_of(read))


def data_in(text: str) -> dict[str, Any] | None:
    """Returns the content of a YAML text as JSON data, upgraded to the newest schema.

    Returns None if it cannot be read, is not a mapping, or contains a key twice."""
    try:
        return _data_of(yaml_text.read(text))
    except ProtocolError:
        return None


def _data_of(read: yaml_text.Read) -> dict[str, Any] | None:
    data = read.data if not read.problems else None
    plain = _plain(upgraded(data)) if isinstance(data, Mapping) else None
    return plain if isinstance(plain, dict) else None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)


def _as_json(problem: Problem, kind: str) -> dict[str, Any]:
    line, column = problem.line or 1, problem.column or 1
    return {"path": problem.path, "message": problem.message, "line": line, "column": column, "kind": kind}
