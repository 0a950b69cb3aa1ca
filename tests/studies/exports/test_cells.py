from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.exports.columns import FORMULA_STARTS, as_cell, as_lines, guard_formula


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-3, "-3"),
        (0.1, "0.1"),
        (121.456789012345, "121.456789012345"),
        ("", ""),
        ("plain", "plain"),
        ("nul\x00byte", "nulbyte"),
    ],
)
def test_cell_of_each_type(value: object, cell: str) -> None:
    assert as_cell(value) == cell


def test_cell_of_a_time_is_utc() -> None:
    noon_in_vienna = datetime(2026, 5, 1, 12, 0, 0, 123_000, tzinfo=timezone(timedelta(hours=2)))
    assert as_cell(noon_in_vienna) == "2026-05-01T10:00:00.123Z"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])
def test_formula_is_guarded(text: str) -> None:
    assert guard_formula(text) == f"'{text}"


@given(st.text(alphabet="'=a-") | st.text())
def test_guarded_text_can_be_read_back(text: str) -> None:
    cell = guard_formula(text)
    has_guard = cell.startswith("'") and cell.lstrip("'").startswith(FORMULA_STARTS)
    assert (cell[1:] if has_guard else cell) == text


@given(st.text())
def test_no_text_cell_starts_a_formula(text: str) -> None:
    assert not as_cell(text).startswith(FORMULA_STARTS)


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), min_size=2, max_size=3)
    )
)
def test_lines_read_back_as_they_were(rows: list[list[str]]) -> None:
    read = list(csv.reader(io.StringIO(as_lines(rows), newline="")))
    assert read == [[guard_formula(cell) for cell in row] for row in rows]
