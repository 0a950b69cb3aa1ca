"""Columns of what a study asks, made from its items in all its versions, in the study's own language; and why a row
has no answer to an item that its table has a column for.

`answer_warm` is the answer to the item `warm`. What follows that name is up to the type of the item."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from studies.design.plan import PlannedTrial
from studies.design.questions import asked, scenarios_of, visible
from studies.design.visit import applies
from studies.errors import ProtocolError
from studies.exports.columns import Cell, Column, Row
from studies.models import ProtocolVersion, Study, Trial
from studies.protocol.questionnaires import Moment, Questionnaire
from studies.protocol.schema import Protocol
from studies.publish import protocol_of
from studies.questions.answer import AnswerColumn
from studies.questions.conditions import is_answered, is_true
from studies.questions.registry import AnyItem

Get = Callable[[Row, str], Any]
"""(row, item) -> the value that is kept; None for none."""


def protocols_of(study: Study) -> list[Protocol]:
    """Of every version, oldest first; those of a schema that is no longer read are left out."""
    read = (readable_protocol(version) for version in study.versions.order_by("number"))
    return [protocol for protocol in read if protocol is not None]


def readable_protocol(version: ProtocolVersion) -> Protocol | None:
    """None for one of a schema that is no longer read. A published version does not change, so it is read once."""
    return _protocol(version.pk, version.sha256)


@lru_cache(maxsize=64)
def _protocol(version_pk: int, _sha256: str) -> Protocol | None:
    try:
        return protocol_of(ProtocolVersion.objects.get(pk=version_pk))
    except ProtocolError:
        return None


def items_at(protocols: Sequence[Protocol], moments: Collection[Moment]) -> dict[str, tuple[AnyItem, Protocol]]:
    """Item -> its newest form, with the protocol that has it, of the questionnaires at `moments`."""
    listed = [(protocol.items(), scenarios_of(protocol)) for protocol in protocols]

    def in_all_versions(item: AnyItem) -> AnyItem:
        return item.joined_with(items[item.key].written_out(titles) for items, titles in listed if item.key in items)

    return {
        item.key: (in_all_versions(item), protocol)
        for protocol in protocols
        for questionnaire in protocol.questionnaires
        if questionnaire.at in moments
        for item in questionnaire.all_items()
        if item.asks and not item.is_verdict
    }


def item_columns(item: AnyItem, get: Get[Row]) -> Iterator[Column[Row]]:
    """The columns of one item."""
    for column in item.columns():
        yield Column(
            f"answer_{item.key}{column.suffix}", column.type, column.meaning, _of(column, item.key, get), column.unit
        )


def _of(column: AnswerColumn, item: str, get: Get[Row]) -> Callable[[Row], Cell]:
    return lambda row: column.value(get(row, item))


REASONS: Final = (
    "other_version (its version of the study has no such item), other_talk (it is not asked about this scenario), "
    "hidden (its condition does not hold), unanswered (not reached, left empty or taken back)"
)


def missing(
    version: ProtocolVersion,
    columns: Collection[str],
    moments: Collection[Moment],
    known: Mapping[str, Any],
    trial: Trial | None = None,
) -> str | None:
    """Such as "cigarettes=hidden day=unanswered", of the items `columns` that are asked at `moments`; None where all
    are answered. `known`: item -> the value that counts, of everything that a condition may depend on."""
    protocol = readable_protocol(version)
    why = dict(_reasons(protocol, moments, known, trial)) if protocol is not None else {}
    lacking = [item for item in columns if item in why or not is_answered(known.get(item))]
    told = [f"{item}={why.get(item, 'other_version')}" for item in lacking]
    return " ".join(told) or None


def _reasons(
    protocol: Protocol, moments: Collection[Moment], known: Mapping[str, Any], trial: Trial | None
) -> Iterator[tuple[str, str]]:
    """(item, reason) of everything that is asked at `moments` and has no answer."""
    values = {item: value for item, value in known.items() if is_answered(value)}
    for key in items_at([protocol], moments):
        if key not in values:
            yield key, "other_talk"
    for questionnaire in protocol.questionnaires:
        if questionnaire.at not in moments or not _is_about(questionnaire, trial):
            continue
        items = asked(questionnaire, protocol, trial.prompt.key if trial is not None else None, seed=0)
        shown = visible(items, values) if is_true(questionnaire.show_if, values) else []
        shown_keys = {item.key for item in shown}
        for item in items:
            if item.key not in values and item.asks and not item.is_verdict:
                yield item.key, "unanswered" if item.key in shown_keys else "hidden"


def _is_about(questionnaire: Questionnaire, trial: Trial | None) -> bool:
    if trial is None:
        return True
    if questionnaire.at == "after_pair" and trial.pair is None:
        return False
    planned = PlannedTrial(trial.position, trial.prompt.key, trial.condition.key, trial.pair, practice=trial.practice)
    return applies(questionnaire, planned)
