"""Takes that were erased before `erased_because` existed keep their reason, and their sentence on the way back."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from studies.models import Take
from tests.studies import factories

SENTENCES = {
    "withdrawn": "The participant withdrew, so the recordings were erased.",
    "retention": "The study's retention date has passed, so the recordings were erased.",
    "no_consent": "The consent was withdrawn, so nothing was kept.",
}
DAMAGED = "The journal was damaged (12 bytes at 40); everything else is filed."


def migrate(name: str) -> None:
    MigrationExecutor(connection).migrate([("studies", name)])


def stored() -> list[tuple[str, str]]:
    return list(Take.objects.order_by("number").values_list("erased_because", "filing_error"))


@pytest.mark.django_db(transaction=True)
def test_reasons_of_old_erasures_are_kept_in_both_directions() -> None:
    trial = factories.make_session(factories.make_study()).trials.get(position=0)
    told = [*SENTENCES.values(), DAMAGED, ""]
    for number, sentence in enumerate(told, start=1):
        Take.objects.create(trial=trial, number=number, limit_ms=1_000, filing_error=sentence)
    reasons = [*((reason, "") for reason in SENTENCES), ("", DAMAGED), ("", "")]
    try:
        migrate("0007_take_erased_because")
        assert stored() == [("", sentence) for sentence in told]
        migrate("0008_erasures_by_reason")
        assert stored() == reasons
        assert [
            take.filing_note for take in Take.objects.only("erased_because", "filing_error").order_by("number")
        ] == told
        migrate("0007_take_erased_because")
        assert stored() == [("", sentence) for sentence in told]
    finally:
        MigrationExecutor(connection).migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())
    assert stored() == reasons
