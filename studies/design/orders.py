"""One order of several things: a row of a square, drawn, or as they stand."""

from __future__ import annotations

import random
from collections.abc import Sequence
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


@cache
def _square(kind: Kind, items: int) -> list[list[int]]:
    return williams(items) if kind == "williams" else latin(items)
