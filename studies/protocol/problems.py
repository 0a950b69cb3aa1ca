"""Turns what pydantic found into problems a researcher can act on: a path, plain words, "did you mean"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from studies.errors import Problem

Place = tuple[int | str, ...]

MESSAGES = {
    "missing": "is missing",
    "string_type": "must be text; put it in quotes if it looks like something else",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a block of named values",
    "model_type": "must be a block of named values",
    "union_tag_not_found": "needs a type",
    "string_too_short": "must not be empty",
}


def path_of(place: Iterable[int | str]) -> str:
    """("conditions", 1, "voices") -> "conditions[1].voices"."""
    path = ""
    for part in place:
        path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
    return path


def suggestion(name: str, known: Iterable[str]) -> str:
    """What to say of an unknown name: the nearest known one, or all of them."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"known: {', '.join(names) or 'none'}"


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Every problem pydantic found in a document for `model`, in the document's order."""
    return [_problem(item, model) for item in error.errors(include_url=False)]


def _problem(item: Any, root: type[BaseModel]) -> Problem:
    kind, context = item["type"], item.get("ctx", {})
    place, owner = _resolve(item["loc"], root)
    found = item["input"]
    if kind == "extra_forbidden":
        known = owner.model_fields if owner else ()
        return Problem(path_of(place), f"is not a key here; {suggestion(str(place[-1]), known)}")
    if kind == "literal_error":
        return Problem(path_of(place), f"is {found!r}; expected {context['expected']}")
    if kind == "union_tag_invalid":
        return Problem(path_of((*place, "type")), f"is {context['tag']!r}; expected {context['expected_tags']}")
    if kind == "string_pattern_mismatch":
        return Problem(
            path_of(place), f"is {found!r}; only small letters, digits, - and _ (pattern {context['pattern']})"
        )
    message = MESSAGES.get(kind)
    if message is None:
        message = item["msg"][0].lower() + item["msg"][1:]
    return Problem(path_of(place), message)


def _resolve(loc: Sequence[int | str], root: type[BaseModel]) -> tuple[Place, type[BaseModel] | None]:
    """pydantic's location without the tags of unions, and the model that holds its last part (None if none does)."""
    place: list[int | str] = []
    here: Any = root
    owner: type[BaseModel] | None = None
    for part in loc:
        options = _models(here)
        by_tag = {_tag(model): model for model in options} if len(options) > 1 else {}
        if part in by_tag:
            here = by_tag[part]
            continue
        place.append(part)
        model = options[0] if len(options) == 1 else None
        if isinstance(part, int):
            here = _item_type(here)
            continue
        owner = model
        field = model.model_fields.get(part) if model else None
        here = field.annotation if field else None
    return tuple(place), owner


def _arguments(annotation: Any) -> list[Any]:
    """The members of a union, or the type alone; without Annotated."""
    if get_origin(annotation) is Annotated:
        return _arguments(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [inner for member in get_args(annotation) for inner in _arguments(member)]
    return [annotation]


def _models(annotation: Any) -> list[type[BaseModel]]:
    return [member for member in _arguments(annotation) if isinstance(member, type) and issubclass(member, BaseModel)]


def _item_type(annotation: Any) -> Any:
    lists = [member for member in _arguments(annotation) if get_origin(member) is list]
    return get_args(lists[0])[0] if lists else None


def _tag(model: type[BaseModel]) -> str:
    return str(get_args(model.model_fields["type"].annotation)[0])
