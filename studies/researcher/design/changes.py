"""What is different between two protocols, in words and line by line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Final, Literal

from studies.errors import ProtocolError
from studies.models import ProtocolVersion
from studies.protocol.diff import Change, changes
from studies.protocol.reading import yaml_text
from studies.protocol.reading.document import to_yaml
from studies.protocol.schema import Protocol
from studies.publish import protocol_of
from studies.researcher.design.writing.drafts import text_of

AROUND: Final = 3
"""Unchanged lines that are shown around a change."""
LONGEST: Final = 240


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a comparison; `gap` says how many unchanged lines are left out."""

    kind: Literal["same", "added", "removed", "gap"]
    text: str


@dataclass(frozen=True, slots=True)
class Part:
    """One change: where, and what was and is there. Either is empty where there was or is nothing."""

    path: str
    kind: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Changes:
    """`parts` is None where one of the two is of an older schema, or there was nothing before."""

    parts: list[Part] | None
    lines: list[Line]


def changes_to(protocol: Protocol, before: ProtocolVersion | None) -> Changes:
    """From a version (None: from nothing) to a protocol."""
    old = _protocol(before) if before is not None else None
    parts = [_part(change) for change in changes(old, protocol)] if old is not None else None
    return Changes(parts, lines_between(text_of(before) if before is not None else "", to_yaml(protocol)))


def changes_between(before: ProtocolVersion, after: ProtocolVersion) -> Changes:
    """From one version to another."""
    protocol = _protocol(after)
    if protocol is not None:
        return changes_to(protocol, before)
    return Changes(None, lines_between(text_of(before), text_of(after)))


def lines_between(before: str, after: str) -> list[Line]:
    """Changed lines with a few unchanged ones around them; empty where nothing differs."""
    old, new = before.splitlines(), after.splitlines()
    lines: list[Line] = []
    reached = 0
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(AROUND):
        lines += _gap(group[0][1] - reached)
        for kind, old_start, old_end, new_start, new_end in group:
            if kind == "equal":
                lines += [Line("same", text) for text in old[old_start:old_end]]
            else:
                lines += [Line("removed", text) for text in old[old_start:old_end]]
                lines += [Line("added", text) for text in new[new_start:new_end]]
            reached = old_end
    return lines + _gap(len(old) - reached) if lines else []


def _gap(count: int) -> list[Line]:
    return [Line("gap", f"{count} unchanged line{'' if count == 1 else 's'}")] if count else []


def _protocol(version: ProtocolVersion) -> Protocol | None:
    try:
        return protocol_of(version)
    except ProtocolError:
        return None


def _part(change: Change) -> Part:
    if change.kind == "moved":
        return Part(change.path, "moved", f"place {change.old}", f"place {change.new}")
    return Part(change.path, change.kind, _short(change.old), _short(change.new))


def _short(value: Any) -> str:
    text = "" if value is None else value if isinstance(value, str) else _said(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _said(value: Any) -> str:
    return yaml_text.write(value).strip() if isinstance(value, dict) else json.dumps(value, ensure_ascii=False)
