"""Where in a document an error of pydantic is: its location without what names the members of unions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from studies.questions.fields import Place

IN_WORDS = {str: "text", int: "a number", float: "a number", bool: "true or false"}


@dataclass(frozen=True)
class Located:
    """`kind`, `context`, `found`, `said`: pydantic's type, ctx, input and message. `owner`: the model that holds the
    last part of the place. `member`: which type of a union was tried, with all of them in words under `among` (empty
    where the error lies deeper). `tags`: the types an item can have. `words`: the words that are allowed here."""

    kind: str
    place: Place
    found: Any
    context: Mapping[str, Any]
    said: str
    owner: type[BaseModel] | None = None
    member: str | None = None
    among: str = ""
    tags: tuple[str, ...] = ()
    words: tuple[str, ...] = field(default=())


def located(item: Mapping[str, Any], root: type[BaseModel]) -> Located:
    """An error of pydantic in a document for `root`."""
    place: list[int | str] = []
    here: Any = root
    owner: type[BaseModel] | None = None
    member: str | None = None
    among = ""
    words: tuple[str, ...] = ()
    for part in item["loc"]:
        members = _members(here)
        if len(members) > 1:
            models = {_tag(model): model for model in members if _is_model(model)}
            if len(models) == len(members):
                here = models.get(part, here)
            else:
                member, among, words = str(part), _in_words(members), _words(members)
                here = next((one for one in members if get_origin(one) is list), None) if member[:4] == "list" else None
            continue
        if part == "[key]":
            continue
        among, words = "", ()
        place.append(part)
        here, owner = _step(members[0] if members else None, part)
    members = _members(here)
    return Located(
        kind=item["type"],
        place=tuple(place),
        found=item["input"],
        context=item.get("ctx", {}),
        said=item["msg"][:1].lower() + item["msg"][1:],
        owner=owner,
        member=member,
        among=among,
        tags=tuple(_tag(model) for model in members if _is_model(model) and "type" in model.model_fields),
        words=words or _words(members),
    )


def _step(here: Any, part: int | str) -> tuple[Any, type[BaseModel] | None]:
    """(annotation one level down, the model that has the field)."""
    if _is_model(here):
        known = here.model_fields.get(str(part))
        return (known.annotation if known else None), here
    arguments = get_args(here)
    if get_origin(here) is list:
        return arguments[0], None
    return (arguments[1] if get_origin(here) is dict else None), None


def _members(annotation: Any) -> list[Any]:
    """The members of a union but for None, or the type alone; without Annotated."""
    if annotation is None or annotation is NoneType:
        return []
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [inner for member in get_args(annotation) for inner in _members(member)]
    return [annotation]


def _in_words(members: list[Any]) -> str:
    words = []
    for one in members:
        if get_origin(one) is Literal:
            words += [repr(word) if word else "nothing" for word in get_args(one)]
        else:
            words.append("a list" if get_origin(one) is list else IN_WORDS.get(one, str(one)))
    return " or ".join(dict.fromkeys(words))


def _words(members: list[Any]) -> tuple[str, ...]:
    return tuple(str(word) for one in members if get_origin(one) is Literal for word in get_args(one))


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _tag(model: type[BaseModel]) -> str:
    return str(get_args(model.model_fields["type"].annotation)[0]) if "type" in model.model_fields else model.__name__
