"""The counterbalancing tables: how often conditions, prompts and positions occur together over all possible orders."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from studies.design.balance import Table, balance
from studies.errors import ProtocolError
from studies.models import Study
from studies.protocol.schema import Protocol
from studies.publish import protocol_of
from studies.researcher.access import allow_alpine, researcher_with
from studies.researcher.design.asked import frame
from studies.researcher.design.writing import drafts
from studies.researcher.design.writing.checking import report_on

CHANCE = 0.5
"""If the order is random, counts that deviate by more than this share from their mean are marked."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One count. `heat` is its share of the table's largest count, 0 to 1; `odd` says that it differs from the others
    of its row."""

    count: int
    heat: str
    odd: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A table as the page shows it."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, list[Cell]]]
    note: str
    uneven: bool


@require_safe
@never_cache
@allow_alpine
@researcher_with("studies.view_study")
def table(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Shows the tables of the draft, or of the published version if the draft is not valid."""
    study = get_object_or_404(Study, slug=slug)
    protocol = report_on(drafts.draft_of(study).text, study).protocol
    published = None if protocol is not None else _published(study)
    tables, problem = _tables(protocol or published)
    context = {
        "tables": tables,
        "problem": problem,
        "is_draft": protocol is not None,
        "version": study.current_version,
        "explore": (protocol or published) is not None and not tables and not problem,
    }
    return render(request, "researcher/design/balance.html", frame(request, study, "design_balance", **context))


def shown(table: Table) -> Shown:
    """Returns a table with the heat of each count, and with the counts marked that differ from the others of their
    row."""
    most = max((count for row in table.counts for count in row), default=0)
    counted = table.title != "Arms"
    rows = []
    for name, counts in zip(table.rows, table.counts, strict=True):
        odd = _odd(table, name, counts) if counted else set()
        cells = [
            Cell(count, f"{count / most if most else 0:.2f}", column in odd) for column, count in enumerate(counts)
        ]
        rows.append((name, cells))
    uneven = any(cell.odd for _, cells in rows for cell in cells)
    return Shown(table.title, table.columns, rows, table.note, uneven)


def _odd(table: Table, row: str, counts: tuple[int, ...]) -> set[int]:
    """Returns the columns whose count differs from the row's most frequent one; if orders are random, from its mean.

    Combinations that never occur by design are ignored: a condition after itself, and a prompt that is not talked about
    under a condition."""
    meets_all = "position" in table.title
    meant = [column for column, count in enumerate(counts) if (count or meets_all) and table.columns[column] != row]
    values = [counts[column] for column in meant]
    if not values or max(values) == min(values):
        return set()
    if "many seeds" in table.note or "drawn" in table.note:
        mean = sum(values) / len(values)
        return {column for column in meant if abs(counts[column] - mean) > CHANCE * mean}
    usual = max(set(values), key=values.count)
    return {column for column in meant if counts[column] != usual}


def _tables(protocol: Protocol | None) -> tuple[list[Shown], str]:
    if protocol is None:
        return [], "The draft has problems and nothing is published yet, so there is nothing to count."
    try:
        return [shown(table) for table in balance(protocol)], ""
    except ValueError as error:
        return [], str(error)


def _published(study: Study) -> Protocol | None:
    try:
        return protocol_of(study.current_version) if study.current_version is not None else None
    except ProtocolError:
        return None
