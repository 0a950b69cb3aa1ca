"""Reads, writes and hashes protocols: YAML for people, canonical JSON for the record."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Mapping
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from studies.errors import Problem, ProtocolError
from studies.protocol import rules
from studies.protocol.problems import problems_of
from studies.protocol.schema import Protocol

MAX_CHARACTERS = 500_000


def parse_yaml(text: str) -> Protocol:
    """A checked protocol. Raises ProtocolError with every problem at once, each with its path."""
    if len(text) > MAX_CHARACTERS:
        raise ProtocolError([Problem("", f"is longer than {MAX_CHARACTERS:,} characters")])
    try:
        document = yaml.load(text, Loader=_StrictLoader)  # noqa: S506  a SafeLoader that refuses more
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ProtocolError([Problem(line, f"is not valid YAML: {error.problem or error.context}")]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ProtocolError([Problem("", f"is not valid YAML: {error}")]) from None
    return parse(document)


def parse(document: object) -> Protocol:
    """A checked protocol from plain data (parsed YAML, or a stored document). Raises ProtocolError."""
    if not isinstance(document, Mapping):
        raise ProtocolError([Problem("", "must be a block of named values, such as `title: ...`")])
    try:
        protocol = Protocol.model_validate(document)
    except ValidationError as error:
        raise ProtocolError(problems_of(error, Protocol)) from None
    problems = rules.check(protocol)
    if problems:
        raise ProtocolError(problems)
    return protocol


def to_document(protocol: BaseModel) -> dict[str, Any]:
    """Plain data with every default spelt out, so that a stored version means the same for ever."""
    return protocol.model_dump(mode="json")


def to_yaml(protocol: Protocol) -> str:
    """YAML that reads back as the same protocol; long texts as blocks."""
    return yaml.dump(to_document(protocol), Dumper=_BlockDumper, sort_keys=False, allow_unicode=True, width=110)


def sha256_of(part: BaseModel) -> str:
    """SHA-256 of the canonical JSON (sorted keys, no spaces, UTF-8) of a protocol or of a part such as its consent."""
    canonical = json.dumps(
        to_document(part), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


class _StrictLoader(yaml.SafeLoader):
    """Refuses keys that stand twice, and aliases (a few lines of them can mean billions of nodes)."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="aliases (*) are not allowed; write it out", problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is not None and key in seen:
                raise yaml.MarkedYAMLError(problem=f"{key!r} stands twice", problem_mark=key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


class _BlockDumper(yaml.SafeDumper):
    """Writes texts of several lines as literal blocks."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_BlockDumper.add_representer(str, _represent_text)
