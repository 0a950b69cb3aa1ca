"""Reads, writes and hashes protocols: YAML for people, canonical JSON for the record. A document is plain data that
every database, and JSON, keeps as it is. Documents of earlier schema versions are read as the newest would say them."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

import rfc8785
from pydantic import BaseModel, ValidationError

from studies.errors import Problem, ProtocolError
from studies.protocol import rules
from studies.protocol.reading import yaml_text
from studies.protocol.reading.mending import mended
from studies.protocol.reading.problems import MOST_PROBLEMS, found, path_of, problems_of
from studies.protocol.schema import Protocol
from studies.questions.fields import Place


def parse_yaml(text: str) -> Protocol:
    """A checked protocol. Raises ProtocolError with every problem at once, each with its path and its line, in the
    order of the lines."""
    return parse_read(yaml_text.read(text))


def parse_read(read: yaml_text.Read) -> Protocol:
    """The same for YAML that is read already."""
    problems = list(read.problems)
    try:
        protocol = parse(read.data)
    except ProtocolError as error:
        problems += [read.located(problem) for problem in error.problems]
    if problems:
        raise ProtocolError(sorted(problems, key=lambda problem: problem.line or 0))
    return protocol


def parse(document: object) -> Protocol:
    """A checked protocol from plain data, such as parsed YAML. Raises ProtocolError, whatever it gets.

    What is wrong with single fields and what is wrong with how they fit together is told at once, as far as the latter
    can be told without guessing what the former should have been."""
    if not isinstance(document, Mapping):
        raise ProtocolError([Problem("", f"is {found(document)}; expected named values, such as `title: ...`")])
    odd = list(check_plain(document))
    newest = upgraded(document)
    try:
        protocol = Protocol.model_validate(newest)
        problems = odd or rules.check(protocol)
    except ValidationError as error:
        told = {problem.path for problem in odd}
        problems = [*odd, *(problem for problem in problems_of(error, Protocol) if problem.path not in told)]
        problems += [] if odd or error.error_count() > MOST_PROBLEMS else _further_problems(newest, error)
    if problems:
        told_once = dict.fromkeys(replace(each, path=path_before(document, each.path)) for each in problems)
        raise ProtocolError(list(told_once))
    return protocol


def parse_frozen(document: Mapping[str, Any]) -> Protocol:
    """The protocol of a stored document, which was checked when it was stored: the rules by which its parts fit
    together may have become stricter since, and do not bind a study that runs. Raises ProtocolError."""
    try:
        return Protocol.model_validate(upgraded(document))
    except ValidationError as error:
        raise ProtocolError(problems_of(error, Protocol)) from error


def to_document(protocol: BaseModel) -> dict[str, Any]:
    """Plain data without what is at its default, so that a later schema with more to say makes the same document, and
    the same hash, of the same study. A default never changes within a version of the schema (a test holds them)."""
    return protocol.model_dump(mode="json", exclude_defaults=True)


def to_yaml(protocol: Protocol) -> str:
    """YAML that reads back as the same protocol; long texts as blocks."""
    return yaml_text.write(to_document(protocol))


def sha256_of(part: BaseModel) -> str:
    """SHA-256 of the canonical JSON (RFC 8785) of a protocol or of a part such as its consent. In it 1.0 is 1 and 1e-07
    is 1e-7, so that the hash is that of the study however a database or another program writes numbers."""
    return hashlib.sha256(rfc8785.dumps(to_document(part))).hexdigest()


def _further_problems(document: Mapping[str, Any], error: ValidationError) -> list[Problem]:
    """What ties the fields together, in a document whose fields are not all right."""
    mend = mended(document, error)
    if mend is None:
        return []
    try:
        protocol = Protocol.model_validate(mend.document)
    except ValidationError:
        return []
    return [problem for problem in rules.check(protocol) if not mend.may_have_caused(problem)]


MAX_DEPTH: Final = 20
LARGEST_NUMBER: Final = 2**53 - 1
"""RFC 8259, section 6: beyond it readers of JSON need not agree, and databases write 1e22 as an integer."""
_NOT_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def check_plain(value: Any, place: Place = ()) -> Iterator[Problem]:
    """What is no plain data: other types, keys that are no text, numbers too large, characters that are none."""
    if len(place) > MAX_DEPTH:
        yield Problem(path_of(place), f"lies {len(place)} levels deep; expected at most {MAX_DEPTH}")
    elif isinstance(value, Mapping):
        for key, part in value.items():
            if isinstance(key, str):
                yield from _check_text(key, (*place, _printable(key)))
                yield from check_plain(part, (*place, _printable(key)))
            else:
                name = _printable(str(key))[:40]
                yield Problem(path_of((*place, name)), f"the key is {found(key)}; expected text, so put it in quotes")
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from check_plain(part, (*place, index))
    elif isinstance(value, str):
        yield from _check_text(value, place)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int | float):
        if isinstance(value, float) and not math.isfinite(value):
            yield Problem(path_of(place), f"is {value}; expected a finite number")
        elif abs(value) > LARGEST_NUMBER:
            yield Problem(path_of(place), f"is {found(value)}; expected a number up to {LARGEST_NUMBER:,}")
    else:
        yield Problem(path_of(place), f"is a {type(value).__name__}; expected text, a number, true, false or a list")


def _check_text(text: str, place: Place) -> Iterator[Problem]:
    odd = _NOT_TEXT.search(text)
    if odd is not None:
        yield Problem(path_of(place), f"has a character that cannot be shown (U+{ord(odd[0]):04X}); leave it out")


def _printable(text: str) -> str:
    return _NOT_TEXT.sub("\ufffd", text)


ITEM_TYPES = {"choice": "single_choice", "text": "long_text"}


def upgraded(document: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """A document of version 1 as one of version 2; anything else as it is. Never raises: what is wrong in a document
    stays wrong, for the validation to name."""
    if not is_version_1(document):
        return document
    new = {**document, "version": 2}
    if new.get("kind") == "paired":
        new["kind"] = "planned"
    ratings, verdicts = new.pop("ratings", None), new.pop("comparison", None)
    questionnaires: list[Any] = []
    if ratings:
        questionnaires.append({"key": "rating", "at": "after_trial", "items": _renamed(ratings)})
    if verdicts:
        items = [{"type": "preference", **item} if isinstance(item, Mapping) else item for item in _items(verdicts)]
        questionnaires.append({"key": "verdict", "at": "after_pair", "items": items})
    if questionnaires:
        new["questionnaires"] = questionnaires
    completion = new.pop("completion", None)
    if isinstance(completion, Mapping) and completion.get("code") is not None:
        new["recruiter"] = {"codes": {"completed": completion["code"]}}
    return new


def is_version_1(document: Mapping[Any, Any]) -> bool:
    return type(document.get("version")) is int and document["version"] == 1


def path_before(document: Mapping[Any, Any], path: str) -> str:
    """A path in `upgraded(document)` as it was in `document`: `questionnaires[0].items[1].low` -> `ratings[1].low`."""
    if not is_version_1(document):
        return path
    lists = [name for name in ("ratings", "comparison") if document.get(name)]
    for number, name in enumerate(lists):
        path = path.replace(f"questionnaires[{number}].items", name)
    return path.replace("recruiter.codes.completed", "completion.code")


def _items(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _renamed(items: Any) -> Any:
    if not isinstance(items, list):
        return items
    return [_renamed_item(item) if isinstance(item, Mapping) else item for item in items]


def _renamed_item(item: Mapping[Any, Any]) -> dict[Any, Any]:
    kind = item.get("type")
    new = {**item, "type": ITEM_TYPES.get(kind, kind) if isinstance(kind, str) else kind}
    if new["type"] == "long_text":
        new.setdefault("required", False)  # as it was by default
    return new
