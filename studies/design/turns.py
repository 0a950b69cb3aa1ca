"""Which of several things come first, where a square alone would favour one of them.

A square has each thing at each place equally often. Of a few among them, which are compared with each other, it need
not have each first equally often: of the rows 012, 120, 201 two have 0 before 1. So they change places from row to row.
Of a Williams square every row comes in reverse too, which settles it for two, not for three."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from studies.design.orders import Kind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Turns:
    """`rounds`: places of three things or more that take each other's places. `mirrored`: all stand in reverse too."""

    rounds: tuple[tuple[int, ...], ...] = ()
    mirrored: bool = False

    def taken(self, things: Sequence[T], by: int, mirror: int) -> list[T]:
        """The things after so many changes of place."""
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
