"""One order of several things: a row of a square, drawn, or as they stand; and turns where a square favours one.

A square has each thing at each place equally often. Of a few things among them, which are compared with each other, it
need not have each first equally often: in the rows 012, 120 and 201, two have 0 before 1. Therefore these things change
places from row to row. In a Williams square every row also comes in reverse, which settles it for two things but not
for three.

The squares are balanced by construction. Their rows are for people, places in a row for moments, numbers for things."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import Final, Literal, TypeVar

Squares = list[list[tuple[int, int]]]
"""Two squares laid over each other: by row and place, the number of the first and that of the second."""

POLYNOMIALS: Final = {2: 0b111, 3: 0b1011, 4: 0b10011, 5: 0b100101, 6: 0b1000011, 7: 0b10001001}
"""Irreducible over GF(2), by degree: R. Lidl & H. Niederreiter, 1994, Introduction to finite fields and their
applications, table C."""


def latin(items: int) -> list[list[int]]:
    """A cyclic Latin square: each item stands once at each place.

    Raises ValueError for fewer than one item, as all squares do."""
    _at_least_one(items)
    return [[(place + row) % items for place in range(items)] for row in range(items)]


def williams(items: int) -> list[list[int]]:
    """Rows of a Williams square over `items`: each item stands once at each place, and each follows each other item
    equally often. `items` rows when even, twice as many when odd (the square and its mirror image).

    E. J. Williams, 1949, Experimental designs balanced for the estimation of residual effects of treatments."""
    _at_least_one(items)
    first = [0]
    for step in range(1, items):  # 0, 1, n-1, 2, n-2, ...
        first.append((first[-1] + (step if step % 2 else -step)) % items)
    square = [[(value + row) % items for value in first] for row in range(items)]
    if items % 2 and items > 1:
        square += [row[::-1] for row in square]
    return square


def graeco_latin(items: int) -> Squares:
    """Two orthogonal Latin squares laid over each other: in each row and at each place every first and every second
    number stands once, and every first meets every second once.

    Odd orders and powers of two come from a field or ring with two units that differ by a unit; all other multiples of
    four are direct products of these (H. F. MacNeish, 1922, Euler squares). Raises ValueError for 2 and 6, of which
    there is none (G. Tarry, 1901), and for the other orders that are twice an odd number: from 10 on there are such
    squares (R. C. Bose, S. S. Shrikhande & E. T. Parker, 1960), but no construction of all that is as plain."""
    _at_least_one(items)
    problem = graeco_latin_problem(items)
    if problem:
        raise ValueError(problem)
    degree = _degree(items)
    return _direct_product(_orthogonal_odd(items >> degree), _orthogonal_binary(degree))


def graeco_latin_problem(items: int) -> str:
    """Returns why there is no Graeco-Latin square of this order, or an empty text if there is one."""
    if items in (2, 6):
        return f"there is no Graeco-Latin square of {items}; take latin or williams"
    if items % 4 == 2:
        return f"a Graeco-Latin square of {items} is not supported (twice an odd number); take latin or williams"
    if _degree(items) > max(POLYNOMIALS):
        return f"a Graeco-Latin square of {items} is too large; take latin or williams"
    return ""


def _at_least_one(items: int) -> None:
    if items < 1:
        raise ValueError(f"a square needs at least one item, got {items}")


def _degree(items: int) -> int:
    """Returns how often 2 divides the number."""
    return (items & -items).bit_length() - 1


def _orthogonal_odd(order: int) -> Squares:
    """Row + place and row + 2 place, modulo an odd order, in which both 1 and 2 have inverses."""
    return [[((r + p) % order, (r + 2 * p) % order) for p in range(order)] for r in range(order)]


def _orthogonal_binary(degree: int) -> Squares:
    """The same over the field of 2 ** `degree` elements, with 1 and x in place of 1 and 2 (none of degree 1)."""
    if degree == 0:
        return [[(0, 0)]]
    order = 1 << degree
    return [[(r ^ p, r ^ _times_x(p, degree)) for p in range(order)] for r in range(order)]


def _times_x(value: int, degree: int) -> int:
    doubled = value << 1
    return doubled ^ POLYNOMIALS[degree] if doubled >> degree else doubled


def _direct_product(left: Squares, right: Squares) -> Squares:
    """Orthogonal squares of order m and n as orthogonal squares of order m * n."""
    size = len(right)
    return [
        [(a * size + c, b * size + d) for (a, b), (c, d) in product(left_row, right_row)]
        for left_row, right_row in product(left, right)
    ]


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
