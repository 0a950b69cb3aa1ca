"""Keeps what participants say. Sending the same twice changes nothing; a change is a new revision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from studies.models import Answer, Judgement, Session, Trial

LISTENED = "listened_sec"  # how long an answer was heard before it was judged, as the browser counted


def latest(trial: Trial) -> dict[str, Any]:
    """Item -> the value that counts."""
    return {answer.item: answer.value for answer in trial.answers.order_by("revision")}


@transaction.atomic
def save_ratings(trial: Trial, values: Mapping[str, Any]) -> None:
    """Appends a revision for every item whose value is new, and marks the trial done."""
    trial = Trial.objects.select_for_update().get(pk=trial.pk)
    _revise(trial, values)
    if trial.done_at is None:
        trial.done_at = timezone.now()
        trial.save(update_fields=["done_at"])


@transaction.atomic
def save_judgements(
    session: Session, shown: Sequence[Trial], choices: Mapping[str, str], listened_sec: Mapping[int, float]
) -> None:
    """Appends the verdicts on a pair. `shown` are its trials, left to right; a choice is a side, or "none".
    `listened_sec` says for each trial's id how long its answer was heard."""
    Session.objects.select_for_update().get(pk=session.pk)
    pair = shown[0].pair
    assert pair is not None
    by_side = {trial.side: trial for trial in shown}
    given = {judgement.item: judgement.choice for judgement in session.judgements.filter(pair=pair)}
    for item, choice in choices.items():
        if given.get(item) == choice:
            continue
        Judgement.objects.create(
            session=session,
            pair=pair,
            item=item,
            choice=choice,
            chosen=by_side.get(choice),
            order_shown=[trial.pk for trial in shown],
        )
    for trial in shown:
        if trial.pk in listened_sec:
            _revise(trial, {LISTENED: round(listened_sec[trial.pk], 1)})


def _revise(trial: Trial, values: Mapping[str, Any]) -> None:
    before = latest(trial)
    for item, value in values.items():
        if item in before and before[item] == value:
            continue
        revision = trial.answers.filter(item=item).count() + 1
        Answer.objects.create(session_id=trial.session_id, trial=trial, item=item, value=value, revision=revision)
