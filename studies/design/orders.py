"""One order of several things: a row of a square, drawn, or as they stand; and turns where a square favours one.

A square has each thing at each place equally often. Of a few things among them, which are compared with each other, it
need not have each first equally often: in the rows 012, 120 and 201, two have 0 before 1. Therefore these things change
places from row to row. In a Williams square every row also comes in reverse, which settles it for two things but not
for three."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeVar

from studies.design.squares import latin, williams

Kind = Literal["williams", "latin", "random", "fixed"]

T = TypeVar("T")


def row_count(kind: Kind, items: int) -> int:
    """How many different rows a square of so many items has; 1 where the order is drawn or fixed."""
    return len(_square(kind, items)) if items and kind in ("williams", "latin") else 1


def in_order(kind: Kind, items: Sequence[T], row: int, draw: random.Random) -> list[T]:
    """`items` in the order of a `row` of the square, which starts again after its last; or drawn from `draw`."""
    if kind == "random":
        return draw.sample(items, len(items))
    if kind == "fixed" or not items:
        return list(items)
    square = _square(kind, len(items))
    return [items[index] for index in square[row % len(square)]]


@dataclass(frozen=True, slots=True)
class Turns:
    """`rounds`: places of three things or more that take each other's places. `mirrored`: all stand in reverse too."""

    rounds: tuple[tuple[int, ...], ...] = ()
    mirrored: bool = False

    def taken(self, things: Sequence[T], by: int, mirror: int) -> list[T]:
        """Returns the things after so many changes of place."""
        new = list(things)
        for places in self.rounds:
            for index, place in enumerate(places):
                new[place] = things[places[(index + by) % len(places)]]
        return new[::-1] if self.mirrored and mirror % 2 else new


def turns(kind: Kind, things: int, compared: Iterable[Collection[int]]) -> Turns:
    """For so many things in this order, of which those at the places of each of `compared` are to come first equally
    often. Three things or more that overlap with others only in part cannot take turns, and stay as they are."""
    if kind not in ("williams", "latin"):
        return Turns()
    few = {tuple(sorted(places)) for places in compared if 1 < len(places) < things}
    rounds: list[tuple[int, ...]] = []
    taken: set[int] = set()
    for places in sorted(few):
        if len(places) > 2 and taken.isdisjoint(places):
            rounds.append(places)
            taken.update(places)
    return Turns(tuple(rounds), kind == "latin" and any(len(places) == 2 for places in few))


@cache
def _square(kind: Kind, items: int) -> list[list[int]]:
    return williams(items) if kind == "williams" else latin(items)
