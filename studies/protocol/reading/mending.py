"""Puts something in place of fields that are wrong in themselves, so that all others can be checked meanwhile."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from inference.contract.catalog import ENGINES
from studies.errors import Problem
from studies.protocol.reading.locating import Located, located
from studies.protocol.reading.problems import nearest, path_of
from studies.protocol.schema import Protocol
from studies.questions.fields import KEY_PATTERN, Place, Shown

DECISIVE: Final = frozenset({"cells", "study_role", "conditions", "questionnaires", "pairs", "practice", "offer"})
"""Words and lists on which much of the rest depends."""
NUMBERS: Final = (("parameters",), ("options",))
"""What holds values by names of the catalogue, each on its own."""
RESTS_ON: Final = {"languages": "translations", "design": "pairs"}
"""What is needed or not by what a field says: not to be judged where that was guessed."""
KEYS: Final = ("extra_forbidden", "missing")
"""What is wrong with the names of values."""
STAND_IN: Final = "?"
LONGEST_TALK_SEC: Final = 1_800


@dataclass(frozen=True)
class Mended:
    """`document` is valid but for what could not be mended. `guessed`: paths of blocks in which something was guessed;
    `names`: the keys of parts that something else stands in for."""

    document: dict[str, Any]
    guessed: tuple[str, ...]
    names: tuple[str, ...]

    def may_have_caused(self, problem: Problem) -> bool:
        """Whether a problem may be there only because something was guessed."""
        said = f"{problem.path} {problem.message}"
        named = any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", said) for name in self.names)
        return named or problem.path.startswith(self.guessed)


def mended(document: Mapping[str, Any], error: ValidationError) -> Mended | None:
    """None where that would take guessing what is meant: a name, a list, what kind of thing it is."""
    new = deepcopy(dict(document))
    guessed: list[str] = []
    names: list[str] = []
    items = [located(one, Protocol) for one in error.errors(include_url=False)]
    for item in sorted(items, key=_turn):
        if item.kind not in KEYS and _at(new, item.place) != item.found:
            continue  # mended as another member of a union, or with what it is part of
        if not _mend(new, item, guessed) and not _replace(new, item.place, guessed, names):
            return None
    return Mended(new, tuple(guessed), tuple(names))


def _turn(item: Located) -> int:
    """A misspelt key makes another missing, and a misspelt word is none of the other types that could stand there."""
    return {"extra_forbidden": 0, "literal_error": 1}.get(item.kind, 2)


def _mend(document: Any, item: Located, guessed: list[str]) -> bool:
    """Mends a field on its own; false where that cannot be done."""
    parent = _at(document, item.place[:-1])
    name = item.place[-1] if item.place else None
    if not isinstance(parent, dict) or not isinstance(name, str):
        return False
    if item.kind == "missing" and name in parent:
        return True
    if item.kind == "extra_forbidden" and item.owner is not None and name in parent:
        near = nearest(name, item.owner.model_fields)
        if near is not None:
            value = parent.pop(name)
            parent.setdefault(near, value)
            return True
    if isinstance(item.found, list):
        return False
    if _is_shown(item.owner, name):
        parent[name] = STAND_IN
        return True
    meant = nearest(item.found, item.words) if item.kind == "literal_error" and isinstance(item.found, str) else None
    if meant is not None:
        parent[name] = meant
    elif item.place[-2:-1] in NUMBERS or (not isinstance(item.found, Mapping) and _may_be_left_out(item, name)):
        parent.pop(name, None)
    else:
        return False
    path = path_of(item.place)
    is_word = item.kind == "literal_error" and len(item.place) > 1
    guessed += [path_of(item.place[:-1]) if is_word else path, RESTS_ON.get(path, path)]
    return True


def _replace(document: Any, place: Place, guessed: list[str], names: list[str]) -> bool:
    """Puts another in place of the condition, prompt or item that is wrong at `place`; false where there is none with
    a key of its own, by which it could be told what is wrong only for that."""
    match place:
        case ("conditions" | "prompts" as kind, int(), *_):
            size = 2
        case ("questionnaires", int(), "items" as kind, int(), *_):
            size = 4
        case ("questionnaires", int(), "insertions", int(), "items" as kind, int(), *_):
            size = 6
        case _:
            return False
    part, parts = _at(document, place[:size]), _at(document, place[: size - 1])
    key = part.get("key") if isinstance(part, dict) else None
    role = part.get("study_role", "analytical") if isinstance(part, dict) else None
    if not isinstance(key, str) or not re.search(KEY_PATTERN, key) or role not in ("analytical", "practice"):
        return False
    stand_ins: dict[str, dict[str, Any]] = {
        "conditions": {"label": STAND_IN, "engine": next(iter(ENGINES))},
        "prompts": {"title": STAND_IN, "card": STAND_IN, "study_role": role, "limit_sec": LONGEST_TALK_SEC},
        "items": {"type": "short_text", "text": STAND_IN},
    }
    parts[place[size - 1]] = {"key": key, **stand_ins[kind]}
    names.append(key)
    guessed += [path_of(place[:size]), *(["attention"] if kind == "items" else [])]  # it may have been the only check
    return True


def _may_be_left_out(item: Located, name: str) -> bool:
    if item.kind == "extra_forbidden":
        return True
    known = item.owner.model_fields.get(name) if item.owner is not None else None
    return known is not None and not known.is_required() and name not in DECISIVE


def _is_shown(owner: type[BaseModel] | None, name: str) -> bool:
    """Whether it is a text for participants, on which nothing else depends."""
    known = owner.model_fields.get(name) if owner is not None else None
    return known is not None and any(isinstance(mark, Shown) for mark in known.metadata)


def _at(document: Any, place: tuple[int | str, ...]) -> Any:
    for part in place:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            return None
    return document
