from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.design.orders import graeco_latin, latin, williams

sizes = st.integers(min_value=1, max_value=12)


@given(sizes)
def test_every_item_stands_equally_often_at_every_place(items: int) -> None:
    square = williams(items)
    counts = Counter((place, item) for row in square for place, item in enumerate(row))
    assert counts == dict.fromkeys(((p, i) for p in range(items) for i in range(items)), len(square) // items)


@given(sizes)
def test_every_item_follows_every_other_equally_often(items: int) -> None:
    square = williams(items)
    counts = Counter(step for row in square for step in pairwise(row))
    others = [(a, b) for a in range(items) for b in range(items) if a != b]
    assert counts == dict.fromkeys(others, len(square) // items)


@given(sizes)
def test_rows_are_as_many_as_items_or_twice_as_many_when_odd(items: int) -> None:
    assert len(williams(items)) == (items if items % 2 == 0 or items == 1 else 2 * items)


def test_no_items_raises() -> None:
    with pytest.raises(ValueError, match="at least one item"):
        williams(0)


@given(sizes)
def test_latin_square_has_every_item_once_at_every_place(items: int) -> None:
    square = latin(items)
    assert [sorted(row) for row in square] == [list(range(items))] * items
    assert [sorted(column) for column in zip(*square, strict=True)] == [list(range(items))] * items


@pytest.mark.parametrize("items", [n for n in range(1, 41) if n % 4 != 2] + [48, 64, 96, 128])
def test_graeco_latin_square_is_two_latin_squares_that_are_orthogonal(items: int) -> None:
    square = graeco_latin(items)
    assert len({cell for row in square for cell in row}) == items * items
    for which in (0, 1):
        rows = [[cell[which] for cell in row] for row in square]
        assert all(set(row) == set(range(items)) for row in rows)
        assert all(set(column) == set(range(items)) for column in zip(*rows, strict=True))


@pytest.mark.parametrize(
    ("items", "why"),
    [
        (2, "there is no Graeco-Latin square of 2"),
        (6, "there is no Graeco-Latin square of 6"),
        (10, "a Graeco-Latin square of 10 is not supported"),
        (256, "too large"),
        (0, "at least one item"),
    ],
)
def test_graeco_latin_square_that_is_not_made_says_why(items: int, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        graeco_latin(items)
