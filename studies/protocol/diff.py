"""PURE: what changed from one protocol to another, in words of the document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any, Final, Literal

from pydantic import BaseModel

from studies.protocol.cells import Pair
from studies.protocol.reading import yaml_text
from studies.protocol.reading.problems import path_of
from studies.protocol.schema import Protocol
from studies.questions.fields import Place

Kind = Literal["added", "removed", "changed", "moved"]
LONGEST: Final = 100
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True)
class Change:
    """`path` names parts of lists by their keys: `prompts.weekend.card`. `old` and `new` are plain data, None where
    there is none; of what moved, they are its places in the list, from 1."""

    path: str
    kind: Kind
    old: Any = None
    new: Any = None

    def __str__(self) -> str:
        match self.kind:
            case "added":
                return f"+ {self.path}:{_in_yaml(self.new)}"
            case "removed":
                return f"- {self.path}:{_in_yaml(self.old)}"
            case "moved":
                return f"~ {self.path}: from place {self.old} to {self.new}"
            case _ if _is_long(self.old) and _is_long(self.new):
                return "\n".join([f"~ {self.path}:", *_lines_that_differ(self.old, self.new)])
            case _:
                old, new = _in_yaml(self.old, "- "), _in_yaml(self.new, "+ ")
                return f"~ {self.path}:{old}{new if new[0] == chr(10) else f' ->{new}'}"


def changes(old: Protocol, new: Protocol) -> list[Change]:
    """Every change, in the order of the schema; empty for protocols with the same hash. What is at its default counts
    as what it is, whether it was written out or not. Parts of a list are the same when their keys are; for those that
    have none, when their numbers are."""
    return list(_of_values(old, new, ()))


def in_words(found: Sequence[Change]) -> str:
    """A line for each change; of long texts, the lines that differ."""
    return "\n".join(map(str, found)) if found else "nothing changed"


def _of_values(old: Any, new: Any, place: Place) -> Iterator[Change]:
    match old, new:
        case BaseModel(), BaseModel() if type(old) is type(new):
            for name in type(old).model_fields:
                yield from _of_values(getattr(old, name), getattr(new, name), (*place, name))
        case Mapping(), Mapping():
            for key in dict.fromkeys([*old, *new]):
                yield from _of_values(old.get(key, _ABSENT), new.get(key, _ABSENT), (*place, key))
        case list(), list() if all(isinstance(part, BaseModel) for part in [*old, *new]):
            yield from _of_lists(_by_name(old), _by_name(new), place)
        case _ if _same(old, new):
            return
        case _ if _is_absent(old):
            yield Change(path_of(place), "added", new=_plain(new))
        case _ if _is_absent(new):
            yield Change(path_of(place), "removed", old=_plain(old))
        case _:
            yield Change(path_of(place), "changed", _plain(old), _plain(new))


def _of_lists(old: dict[str | int, Any], new: dict[str | int, Any], place: Place) -> Iterator[Change]:
    for name, part in old.items():
        if name not in new:
            yield Change(path_of((*place, name)), "removed", old=_plain(part))
    moved = _moved([name for name in old if name in new], [name for name in new if name in old])
    for index, (name, part) in enumerate(new.items()):
        if name not in old:
            yield Change(path_of((*place, name)), "added", new=_plain(part))
            continue
        if name in moved:
            yield Change(path_of((*place, name)), "moved", [*old].index(name) + 1, index + 1)
        yield from _of_values(old[name], part, (*place, name))


def _moved(before: list[str | int], after: list[str | int]) -> set[str | int]:
    """As few names as can be, so that the others stand in the same order: all but a longest increasing run."""
    number = {name: index for index, name in enumerate(before)}
    runs: list[list[str | int]] = []  # runs[n]: of the runs of n + 1 names, one that ends earliest
    for name in after:
        length = next((n for n, run in enumerate(runs) if number[run[-1]] > number[name]), len(runs))
        runs[length : length + 1] = [[*(runs[length - 1] if length else []), name]]
    return {*after} - {*(runs[-1] if runs else [])}


def _by_name(parts: Sequence[BaseModel]) -> dict[str | int, Any]:
    """Parts by their names, the second of a name being `name#2`; by their numbers where they have none."""
    named: dict[str | int, Any] = {}
    for index, part in enumerate(parts):
        name = _name(part)
        again = sum(1 for other in parts[:index] if name and _name(other) == name)
        named[index if name is None else f"{name}#{again + 1}" if again else name] = part
    return named


def _name(part: BaseModel) -> str | None:
    if isinstance(part, Pair):
        return part.prompt
    return next((str(getattr(part, name)) for name in ("key", "kind", "engine") if hasattr(part, name)), None)


def _same(old: Any, new: Any) -> bool:
    """Yes is not 1, though Python holds them equal."""
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_same, old, new))
    return isinstance(old, bool) == isinstance(new, bool) and bool(old == new)


def _is_absent(value: object) -> bool:
    return value is _ABSENT or value is None or value == [] or value == ""


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", exclude_defaults=True)
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _is_long(value: object) -> bool:
    return isinstance(value, str) and ("\n" in value or len(value) > LONGEST)


def _lines_that_differ(old: str, new: str) -> list[str]:
    lines = [*unified_diff(old.splitlines(), new.splitlines(), n=0, lineterm="")][2:]
    return [f"    {line[0]} {line[1:]}" for line in lines if line[0] in "+-"]


def _in_yaml(value: Any, sign: str = "") -> str:
    """As the document would say it: behind the colon where it fits there, else on lines of its own."""
    text = yaml_text.write(value).removesuffix("\n...\n").rstrip("\n") if not isinstance(value, str) else value
    if text and "\n" not in text and len(text) <= LONGEST:
        return f" {text}"
    return "".join(f"\n    {sign}{line}" for line in text.split("\n")) if text else " (empty)"
