"""docs/operators/capacity.md says what the code computes."""

from __future__ import annotations

import re
from pathlib import Path

from inference.engines.moshi.memory import memory_model

PAGE = Path(__file__).resolve().parents[4] / "docs" / "operators" / "capacity.md"
ROW = re.compile(
    r"\| (?P<memory>\d+) GB \| (?P<weights>bf16|int8) \| (?P<context>[\d,]+) \| (?P<slots>\d+) "
    r"\| [^|]+, (?P<bandwidth>[\d,]+) GB/s \| (?P<full>[\d.]+) ms \| (?P<some>[\d.]+) ms \|"
)


def test_every_row_of_the_slots_table_is_the_models() -> None:
    rows = list(ROW.finditer(PAGE.read_text(encoding="utf-8")))
    assert len(rows) == 11
    for row in rows:
        model = memory_model(None, int8=row["weights"] == "int8", context=int(row["context"].replace(",", "")))
        slots = model.slots_that_fit(int(row["memory"]) * 10**9)
        bandwidth = int(row["bandwidth"].replace(",", "")) * 1e9
        computed = (str(slots), *(f"{model.step_ms(slots, part * bandwidth):.1f}" for part in (1, 0.6)))
        assert (row["slots"], row["full"], row["some"]) == computed, row[0]
