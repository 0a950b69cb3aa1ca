"""The table answers.csv: one row for each revision of each answer, verdicts on pairs included."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from studies.design.visit import Page
from studies.exports.columns import UTC, Cell, Column
from studies.exports.item_columns import readable_protocol
from studies.exports.rows import SessionRow
from studies.models import Session, Trial
from studies.protocol.questionnaires import Questionnaire
from studies.protocol.schema import Protocol
from studies.questions.registry import AnyItem


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One revision of one answer.

    `counts` says whether it is the latest revision. `asked` is the item with its questionnaire, or None if the
    session's protocol cannot be read or does not have the item."""

    session: Session
    item: str
    value: Any
    revision: int
    counts: bool
    at: datetime
    trial: Trial | None = None
    pair: int | None = None
    asked: tuple[Questionnaire, AnyItem] | None = None

    @property
    def page(self) -> str | None:
        if self.asked is None:
            return None
        if self.pair is not None:
            return Page("compare", pair=self.pair).name
        return Page("questions", self.asked[0].key, self.trial.position if self.trial else None).name

    @property
    def scope(self) -> str:
        return "trial" if self.trial is not None else "pair" if self.pair is not None else "session"

    @property
    def score(self) -> Any:
        return self.asked[1].score(self.value) if self.asked is not None else None


def answer_rows(row: SessionRow) -> Iterator[AnswerRow]:
    """Yields all revisions of all answers of a session, in the order in which they were given."""
    trials = {trial.pk: trial for trial in row.trials}
    protocol = readable_protocol(row.session.version)
    asked = _asked(protocol) if protocol is not None else {}
    given = [*_answers(row, trials, asked), *_verdicts(row, asked)]
    yield from sorted(given, key=lambda each: (each.at, each.item, each.revision))


def _answers(
    row: SessionRow, trials: Mapping[int, Trial], asked: Mapping[str, tuple[Questionnaire, AnyItem]]
) -> Iterator[AnswerRow]:
    latest = {(answer.trial_id, answer.pair, answer.item): answer.pk for answer in row.answers}
    for answer in row.answers:
        yield AnswerRow(
            session=row.session,
            item=answer.item,
            value=answer.value,
            revision=answer.revision,
            counts=latest[answer.trial_id, answer.pair, answer.item] == answer.pk,
            at=answer.at,
            trial=trials.get(answer.trial_id) if answer.trial_id is not None else None,
            pair=answer.pair,
            asked=asked.get(answer.item),
        )


def _verdicts(row: SessionRow, asked: Mapping[str, tuple[Questionnaire, AnyItem]]) -> Iterator[AnswerRow]:
    latest = {(verdict.pair, verdict.item): verdict.pk for verdict in row.judgements}
    for verdict in row.judgements:
        yield AnswerRow(
            session=row.session,
            item=verdict.item,
            value=verdict.choice or None,
            revision=verdict.revision,
            counts=latest[verdict.pair, verdict.item] == verdict.pk,
            at=verdict.at,
            pair=verdict.pair,
            asked=asked.get(verdict.item),
        )


def _asked(protocol: Protocol) -> dict[str, tuple[Questionnaire, AnyItem]]:
    return {item.key: (each, item) for each in protocol.questionnaires for item in each.all_items()}


def _as_text(value: Any) -> Cell:
    """Returns lists and mappings as JSON, and any other value as it is."""
    if isinstance(value, Mapping | Sequence) and not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return value  # type: ignore[no-any-return]


ANSWER_COLUMNS: Final[tuple[Column[AnswerRow], ...]] = (
    Column("study", "text", "Short name of the study, as in its link", lambda row: row.session.study.slug),
    Column("version", "integer", "Number of the protocol version", lambda row: row.session.version.number),
    Column("participant", "text", "Pseudonymous code of the participant", lambda row: row.session.participant.code),
    Column("session", "integer", "Number of the session", lambda row: row.session.pk),
    Column("session_mode", "text", "live, pilot, preview or bot; only live ones count", lambda row: row.session.mode),
    Column("page", "text", "Page of the session on which it was asked", lambda row: row.page),
    Column("questionnaire", "text", "Key of the questionnaire", lambda row: row.asked[0].key if row.asked else None),
    Column("moment", "text", "When in the session it is asked", lambda row: row.asked[0].at if row.asked else None),
    Column("item", "text", "Key of the item", lambda row: row.item),
    Column("type", "text", "Type of the item", lambda row: row.asked[1].type if row.asked else None),
    Column(
        "text",
        "text",
        "What was asked, in the study's own language",
        lambda row: row.asked[1].text if row.asked else None,
    ),
    Column("scope", "text", "What it is about: session, trial or pair", lambda row: row.scope),
    Column("trial", "integer", "Number of the trial", lambda row: row.trial.pk if row.trial else None),
    Column(
        "position",
        "integer",
        "Its place in the session, from 1",
        lambda row: row.trial.position + 1 if row.trial else None,
    ),
    Column("prompt", "text", "Key of its prompt", lambda row: row.trial.prompt.key if row.trial else None),
    Column("condition", "text", "Key of its condition", lambda row: row.trial.condition.key if row.trial else None),
    Column("pair", "integer", "Number of the pair, from 1", lambda row: row.pair + 1 if row.pair is not None else None),
    Column(
        "value",
        "text",
        "The answer as it was given; JSON where it has parts; empty: taken back, or hidden",
        lambda row: _as_text(row.value),
    ),
    Column(
        "score",
        "text",
        "What it counts for on its scale, reversed where the item says so; JSON where it has rows",
        lambda row: _as_text(row.score),
    ),
    Column("revision", "integer", "Number of the revision, from 1", lambda row: row.revision),
    Column("counts", "boolean", "Whether it is the newest, which counts", lambda row: row.counts),
    Column("at", "timestamp", "When it was given", lambda row: row.at, UTC),
)
