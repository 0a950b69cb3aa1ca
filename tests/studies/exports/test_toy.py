"""What docs/developer.md says of adding: a metric is a function and its entry, a column is one entry; everything else
follows."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from studies.exports import session_columns, tables, trial_columns
from studies.exports.columns import Column
from studies.exports.tables import codebook_rows
from studies.insights import measure
from studies.insights.measurement import Method
from studies.participant.comparing.differences import differences
from studies.talk.filing.measuring import measure_and_store
from tests.studies import factories
from tests.studies.exports.reading import read_table

pytestmark = pytest.mark.django_db

PEAK = Method("toy_peak", "of 1", "The largest absolute sample")


def test_metric_of_one_entry_is_measured_exported_and_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "VALUES", {**measure.VALUES, PEAK: lambda of: np.abs(of.samples).max()})
    monkeypatch.setattr(measure, "METHODS", (*measure.METHODS, PEAK))
    version = factories.make_study()
    take = factories.make_take(factories.make_session(version).trials.all()[0])
    assert measure_and_store(take.pk) == 3 * len(measure.METHODS)
    row = read_table(version.study, factories.make_researcher())[0]
    assert float(row["agent_toy_peak"]) == pytest.approx(0.3, abs=1e-3)
    assert ("trials", "agent_toy_peak", "number", "of 1") in {entry[:4] for entry in codebook_rows(version.study)}
    assert "Toy peak" in [shown.label for table in differences([take]) for shown in table.rest]


@pytest.mark.parametrize(
    ("table", "module", "columns"),
    [
        ("trials", trial_columns, "COLUMNS"),
        ("sessions", session_columns, "SESSION_COLUMNS"),
        ("answers", tables, "ANSWER_COLUMNS"),
    ],
)
def test_column_of_one_entry_is_in_its_table_and_in_the_codebook(
    monkeypatch: pytest.MonkeyPatch, table: str, module: ModuleType, columns: str
) -> None:
    toy: Column[Any] = Column("toy", "integer", "What it means", lambda _row: 7, "s")
    monkeypatch.setattr(module, columns, (*getattr(module, columns), toy))
    version = factories.make_study()
    session = factories.make_session(version)
    factories.make_answer(session.trials.all()[0], "helpful", 4)
    assert {row["toy"] for row in read_table(version.study, factories.make_researcher(), table)} == {"7"}
    assert (table, "toy", "integer", "s", "What it means") in codebook_rows(version.study)
