"""The counterbalance table shows the counts, and points out what is uneven."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from studies.design.balance import Table
from studies.models import Study, StudyDraft
from studies.protocol.reading.document import parse_yaml
from studies.publish import publish
from studies.researcher.design.balance import shown

from .conftest import PAIRED


def odd(table: Table) -> list[tuple[str, int]]:
    return [(name, column) for name, cells in shown(table).rows for column, cell in enumerate(cells) if cell.odd]


def test_count_that_is_not_like_its_row_is_pointed_out() -> None:
    table = Table("Conditions at each position", ("own", "other"), ("1", "2", "3"), ((4, 4, 4), (2, 2, 0)), "")
    assert odd(table) == [("other", 2)]
    assert shown(table).uneven
    assert [cell.heat for cell in shown(table).rows[1][1]] == ["0.50", "0.50", "0.00"]


@pytest.mark.parametrize(
    "table",
    [
        Table("Conditions and prompts", ("own", "other"), ("a", "b"), ((4, 0), (4, 4)), ""),
        Table("Which condition follows which", ("own", "other"), ("own", "other"), ((0, 4), (4, 9)), ""),
        Table("Arms", ("everybody",), ("Arms", "Conversations of a participant"), ((4, 12),), ""),
        Table("Empty", (), (), (), ""),
    ],
    ids=lambda table: table.title,
)
def test_what_is_so_by_design_is_not_pointed_out(table: Table) -> None:
    assert odd(table) == []


def test_page_shows_the_draft_or_else_what_is_published(browser: Client, study: Study) -> None:
    url = reverse("design_balance", args=[study.slug])
    page = browser.get(url)
    titles = [table.title for table in page.context["tables"]]
    assert titles[:3] == ["Arms", "Conditions and prompts", "Conditions at each position"]
    assert "These tables are computed from the draft" in page.content.decode()
    StudyDraft.objects.update(text="title: [")
    assert "nothing is published yet" in browser.get(url).content.decode()
    publish(study, parse_yaml(PAIRED))
    page = browser.get(url)
    assert [table.title for table in page.context["tables"]] == titles
    assert "tables of version 1" in page.content.decode()


def test_explore_study_has_nothing_to_balance(browser: Client, study: Study) -> None:
    from studies.researcher.design.starting import templates

    StudyDraft.objects.update(text=next(template.text for template in templates() if template.name == "explore"))
    assert "nothing to balance" in browser.get(reverse("design_balance", args=[study.slug])).content.decode()
