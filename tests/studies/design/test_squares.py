from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.design.squares import williams

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
