"""Columns of the exports that items make, each of which stands for one thing in all versions of a study."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from studies.errors import Problem
from studies.protocol.reading.problems import path_of
from studies.protocol.rules.asking import Asked, asked_items
from studies.protocol.schema import Protocol
from studies.questions.conditions import OTHER

JUDGED: Final = ("", "_condition", "_chosen", "_shown", "_at")
"""How the columns of a verdict end."""


@dataclass(frozen=True)
class _Made:
    """A column that an item makes in a table."""

    table: str
    name: str
    asked: Asked

    @property
    def item(self) -> str:
        return self.asked.item.key

    @property
    def place(self) -> str:
        return path_of((*self.asked.place, "key"))


def check(protocol: Protocol) -> Iterator[Problem]:
    first: dict[tuple[str, str], _Made] = {}
    for made in _columns(protocol):
        other = first.setdefault((made.table, made.name), made)
        if other is made:
            continue
        if other.item != made.item:
            yield _taken(made, f"{other.item!r}, at {other.place}")
        elif other.asked is made.asked and not _is_told_elsewhere(made):
            yield Problem(made.place, f"makes the column {made.name} twice; choose other keys for its rows or options")


def check_versions(protocol: Protocol, earlier: Mapping[int, Protocol]) -> Iterator[Problem]:
    """The same beside the versions that are published already, by their numbers."""
    first: dict[tuple[str, str], tuple[int, str]] = {}
    for number, published in earlier.items():
        for made in _columns(published):
            first.setdefault((made.table, made.name), (number, made.item))
    for made in _columns(protocol):
        number, item = first.get((made.table, made.name), (0, made.item))
        if item != made.item:
            yield _taken(made, f"{item!r} of version {number}")


def _columns(protocol: Protocol) -> Iterator[_Made]:
    titles = {prompt.key: prompt.title for prompt in protocol.prompts if prompt.study_role == "analytical"}
    for asked in asked_items(protocol):
        item, table = asked.item, "sessions" if asked.scope == "visit" else "trials"
        if item.is_verdict:
            yield from (_Made(table, f"judgement_{item.key}{ending}", asked) for ending in JUDGED)
        elif item.asks:
            columns = item.written_out(titles).columns()
            yield from (_Made(table, f"answer_{item.key}{column.suffix}", asked) for column in columns)


def _taken(made: _Made, by: str) -> Problem:
    message = f"{made.item!r} makes the column {made.name} of {made.table}.csv, as does {by}; choose another key"
    return Problem(made.place, message)


def _is_told_elsewhere(made: _Made) -> bool:
    """An option called as answers in one's own words are, and keys that stand twice."""
    lists = made.asked.item.key_lists().values()
    return made.name.endswith(f"_{OTHER}") or any(len(set(keys)) < len(keys) for keys in lists)
