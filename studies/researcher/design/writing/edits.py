"""Applies edits that were made in the form to the YAML text, preserving its comments and its layout."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from copy import deepcopy
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError
from ruamel.yaml.scalarstring import DoubleQuotedScalarString, LiteralScalarString
from ruamel.yaml.util import load_yaml_guess_indent

from studies.errors import DraftRefused, ProtocolError
from studies.protocol.reading import yaml_text
from studies.researcher.design.writing.checking import data_in

MOST_EDITS = 500
Step = str | int
Where = Annotated[list[Step], Field(max_length=40)]


class _Edit(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Put(_Edit):
    """Sets the value at `path`."""

    do: Literal["put"]
    path: Annotated[list[Step], Field(min_length=1, max_length=40)]
    value: Any


class Drop(_Edit):
    """Removes the key at the end of `path`, so that its default applies."""

    do: Literal["drop"]
    path: Annotated[list[Step], Field(min_length=1, max_length=40)]


class Fresh(_Edit):
    value: Any


class Arrange(_Edit):
    """Replaces the items of the list at `path`. A number refers to an item by its previous index; `Fresh` is a new
    item."""

    do: Literal["arrange"]
    path: Where
    items: list[int | Fresh]


Edit = Annotated[Put | Drop | Arrange, Field(discriminator="do")]
EDITS: TypeAdapter[list[Edit]] = TypeAdapter(Annotated[list[Edit], Field(max_length=MOST_EDITS)])


def parse_edits(edits: object) -> list[Edit]:
    """Validates edits as the form sends them. Raises DraftRefused."""
    try:
        return EDITS.validate_python(edits)
    except ValidationError:
        raise DraftRefused("The form sent something that cannot be understood. Reload the page.") from None


def apply(text: str, edits: Sequence[Edit]) -> str:
    """Returns the text with all edits applied in order.

    Raises DraftRefused if the text is not readable YAML, or if an edit refers to something that does not exist."""
    before = data_in(text)
    if before is None:
        raise DraftRefused("Fix the YAML first: while it cannot be read, the form cannot change it.")
    wanted = deepcopy(before)
    for edit in edits:
        _make(wanted, edit, plain=True)
    return _kept_layout(text, wanted, edits) or yaml_text.write(wanted)


def _kept_layout(text: str, wanted: dict[str, Any], edits: Sequence[Edit]) -> str | None:
    """Returns the edited text with its layout preserved.

    Returns None if the text cannot be edited in place, as one of schema version 1, or if the result would not mean
    `wanted`."""
    writer = YAML()
    writer.preserve_quotes = True
    writer.width = 4096
    try:
        document, indent, offset = load_yaml_guess_indent(text, yaml=writer)
        if document.get("version") == 1:
            return None
        writer.indent(
            mapping=2, sequence=indent or 4, offset=(indent - 2 if offset is None else offset) if indent else 2
        )
        for edit in edits:
            _make(document, edit, plain=False)
        stream = io.StringIO()
        writer.dump(document, stream)
    except (YAMLError, ValueError, TypeError, AttributeError, LookupError, DraftRefused):
        return None
    changed = stream.getvalue()
    return changed if data_in(changed) == wanted else None


def _make(document: Any, edit: Edit, *, plain: bool) -> None:
    if isinstance(edit, Arrange):
        _arrange(_at(document, edit.path), edit.items, plain)
        return
    *place, last = edit.path
    holder = _at(document, place, missing={} if isinstance(edit, Put) else None)
    if isinstance(edit, Drop):
        if isinstance(holder, dict):
            holder.pop(last, None)
        return
    value = edit.value if plain else _layout_of(edit.value)
    if isinstance(holder, dict):
        holder[last] = value
    elif isinstance(holder, list) and isinstance(last, int) and 0 <= last <= len(holder):
        holder[last : last + 1] = [value]  # An index at the end appends.
    else:
        raise _gone(edit.path)


def _arrange(items: Any, wanted: Sequence[int | Fresh], plain: bool) -> None:
    if not isinstance(items, list) or any(isinstance(item, int) and not 0 <= item < len(items) for item in wanted):
        raise _gone(["list"])
    new = [
        items[item] if isinstance(item, int) else (item.value if plain else _layout_of(item.value)) for item in wanted
    ]
    numbers = [item for item in wanted if isinstance(item, int)]
    if len(set(numbers)) < len(numbers):
        new = [deepcopy(item) for item in new]  # YAML would write the same object twice as an alias.
    if isinstance(items, CommentedSeq) and numbers != list(range(len(items))):
        _move_comments(items, wanted)
    items[:] = new


def _move_comments(items: CommentedSeq, wanted: Sequence[int | Fresh]) -> None:
    """Moves comments along with their items, because ruamel attaches comments to positions of a list."""
    comments = dict(items.ca.items)
    items.ca.items.clear()
    for position, item in enumerate(wanted):
        if isinstance(item, int) and item in comments:
            items.ca.items[position] = comments[item]


def _at(document: Any, path: Sequence[Step], missing: Any = None) -> Any:
    """Returns the value at `path`. If `missing` is given, mappings are created for missing keys along the path.

    Raises DraftRefused if there is no such place."""
    here = document
    for step in path:
        if isinstance(here, dict):
            if here.get(step) is None and missing is not None:
                here[step] = CommentedMap() if isinstance(here, CommentedMap) else {}
            here = here.get(step)
        elif isinstance(here, list) and isinstance(step, int) and 0 <= step < len(here):
            here = here[step]
        else:
            raise _gone(path)
    return here


def _gone(path: Sequence[Step]) -> DraftRefused:
    place = ".".join(map(str, path))
    return DraftRefused(f"{place} no longer exists, so this change was not made. Reload the page.")


def _layout_of(value: Any) -> Any:
    """Returns a value as ruamel's types: block scalars for texts with several lines, and quotes where YAML would read
    something other than the text."""
    if isinstance(value, dict):
        return CommentedMap((key, _layout_of(part)) for key, part in value.items())
    if isinstance(value, list):
        return CommentedSeq(_layout_of(part) for part in value)
    if isinstance(value, str):
        if "\n" in value and all(_fits_block(value)):
            return LiteralScalarString(value)
        return value if _reads_as_itself(value) else DoubleQuotedScalarString(value)
    return value


def _fits_block(text: str) -> Iterator[bool]:
    yield not text.startswith((" ", "\n", "\t"))
    yield all(line == line.rstrip() for line in text.split("\n"))


def _reads_as_itself(text: str) -> bool:
    try:
        return bool(yaml_text.read(f"a: {text}").data == {"a": text})
    except ProtocolError:
        return False
