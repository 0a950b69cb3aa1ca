"""The answers of many participants, as far as balance and quotas need them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from django.db.models import QuerySet

from studies.models import Answer


def known_answers(sessions: QuerySet[Any, Any], items: Collection[str]) -> dict[int, dict[str, Any]]:
    """Maps the id of each of `sessions` (a query of ids) to its latest answers to `items` outside trials and pairs."""
    answers: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    rows = Answer.objects.filter(session__in=sessions, item__in=items, trial=None, pair=None).order_by("revision")
    for session, item, value in rows.values_list("session_id", "item", "value"):
        answers[session][item] = value
    return answers
