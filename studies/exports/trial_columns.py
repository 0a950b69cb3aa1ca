"""All columns of trials.csv: COLUMNS, which every study has, and those that depend on the study's protocols and on the
metrics that were computed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Final

from studies.exports.columns import UTC, Cell, Column, told_apart
from studies.exports.item_columns import REASONS, item_columns, items_at, missing, protocols_of
from studies.exports.plan_columns import PLAN_COLUMNS
from studies.exports.rows import TrialRow
from studies.exports.take_columns import TAKE_COLUMNS
from studies.models import Judgement, Metric, Study
from studies.protocol.questionnaires import EACH_TRIAL, Moment
from studies.questions.registry import AnyItem

OF_TRIALS: Final[frozenset[Moment]] = EACH_TRIAL | {"after_pair"}

COLUMNS: Final[tuple[Column[TrialRow], ...]] = (
    *PLAN_COLUMNS,
    *TAKE_COLUMNS,
    Column(
        "listened_sec",
        "number",
        "How much of what can be heard in the recorded answer was played before the pair was judged, as the browser "
        "counted",
        lambda row: row.listened_sec,
        "s",
    ),
    Column(
        "no_answer",
        "boolean",
        "Whether the participant said that the machine gave no answer in the conversation; empty where nothing was "
        "said about it",
        lambda row: row.no_answer,
    ),
    Column(
        "rated_at",
        "timestamp",
        "When the questions after the conversation were answered",
        lambda row: row.rated_at,
        UTC,
    ),
)


def columns_of(study: Study) -> list[Column[TrialRow]]:
    """Returns COLUMNS, then the columns of answers about trials and pairs, verdicts and metrics, in a stable order."""
    protocols = protocols_of(study)
    asked = items_at(protocols, OF_TRIALS)
    verdicts = {key: item for protocol in protocols for key, item in protocol.items().items() if item.is_verdict}
    return told_apart(
        [
            *COLUMNS,
            *(column for item, _protocol in asked.values() for column in item_columns(item, _answer)),
            Column("answers_missing", "text", f"Items without an answer, each with why: {REASONS}", _missing(asked)),
            *(column for item in verdicts.values() for column in _judgement(item)),
            *(column for (track, name), about in _measured(study).items() for column in _metric(track, name, *about)),
        ]
    )


def _missing(items: Collection[str]) -> Callable[[TrialRow], Cell]:
    def told(row: TrialRow) -> Cell:
        return None if row.withdrawn else missing(row.version, items, OF_TRIALS, row.known, row.trial)

    return told


def _answer(row: TrialRow, item: str) -> Any:
    return row.answers.get(item)


def _judgement(item: AnyItem) -> Iterator[Column[TrialRow]]:
    """Yields the columns of one verdict on the trial's pair. Most of them are the same in all rows of the pair."""
    key, text = item.key, item.text

    def of(value: Callable[[TrialRow, Judgement], Cell]) -> Callable[[TrialRow], Cell]:
        def given(row: TrialRow) -> Cell:
            judgement = row.judgements.get(key)
            return value(row, judgement) if judgement is not None else None

        return given

    name = f"judgement_{key}"
    yield Column(
        name, "text", f"Verdict on the pair, “{text}”: A, B, ... or none", of(lambda _, judgement: judgement.choice)
    )
    yield Column(
        f"{name}_condition",
        "text",
        f"Key of the condition chosen for “{text}”; empty for none",
        of(lambda _, judgement: judgement.chosen.condition.key if judgement.chosen else None),
    )
    yield Column(
        f"{name}_chosen",
        "boolean",
        f"Whether this trial was the one chosen for “{text}”",
        of(lambda row, judgement: judgement.chosen_id == row.trial.pk),
    )
    yield Column(
        f"{name}_shown",
        "text",
        "Sides as they were shown on the page, in reading order",
        of(lambda row, judgement: "".join(row.sides.get(pk, "?") for pk in judgement.order_shown)),
    )
    yield Column(f"{name}_at", "timestamp", "When the verdict was given", of(lambda _, judgement: judgement.at), UTC)


def _measured(study: Study) -> dict[tuple[str, str], tuple[str, list[str]]]:
    """Maps (track, name) of each metric of the study to its unit and the methods by which it was computed."""
    measured = Metric.objects.filter(take__trial__session__version__study=study).order_by()
    metrics: dict[tuple[str, str], tuple[str, list[str]]] = {}
    for track, name, unit, method, version in sorted(
        measured.values_list("track", "name", "unit", "method", "version").distinct()
    ):
        metrics.setdefault((track, name), (unit, []))[1].append(f"{method} (version {version})")
    return metrics


def _metric(track: str, name: str, unit: str, methods: Sequence[str]) -> Iterator[Column[TrialRow]]:
    """Yields the columns of a metric: its value, and the reason if there is none.

    There are several `methods` if the metric was computed again with another method or version."""
    about = f"{name.replace('_', ' ').capitalize()} of the track “{track}”. {'; '.join(methods)}"

    def value(row: TrialRow) -> Cell:
        metric = row.metrics.get((track, name))
        return metric.value if metric else None

    def reason(row: TrialRow) -> Cell:
        metric = row.metrics.get((track, name))
        return metric.reason if metric else None

    yield Column(f"{track}_{name}", "number", about, value, unit)
    yield Column(f"{track}_{name}_reason", "text", f"Why {track}_{name} has no value", reason)
