"""Columns for the answers to a study's items, made from all versions of the study and in its own language, and the
reasons why a row has no answer to an item.

The column `answer_warm` holds the answer to the item `warm`. The type of the item decides which suffixes follow this
name."""

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
"""Maps a row and the key of an item to the stored value, or to None if there is none."""


def protocols_of(study: Study) -> list[Protocol]:
    """Returns the protocols of all versions, oldest first, without those whose schema is no longer supported."""
    read = (readable_protocol(version) for version in study.versions.order_by("number"))
    return [protocol for protocol in read if protocol is not None]


def readable_protocol(version: ProtocolVersion) -> Protocol | None:
    """Returns the protocol of a version, or None if its schema is no longer supported.

    A published version never changes, so the result is cached."""
    return _protocol(version.pk, version.sha256)


@lru_cache(maxsize=64)
def _protocol(version_pk: int, _sha256: str) -> Protocol | None:
    try:
        return protocol_of(ProtocolVersion.objects.get(pk=version_pk))
    except ProtocolError:
        return None


def items_at(protocols: Sequence[Protocol], moments: Collection[Moment]) -> dict[str, tuple[AnyItem, Protocol]]:
    """Maps the key of each item that is asked at `moments` to its newest form and the protocol that contains it.

    Each item is joined with its older forms, so that its columns cover all versions. Verdicts, and items that ask
    nothing, are left out."""
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
    """Yields the columns of one item, whose values `get` returns."""
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
    """Returns which of the items `columns` have no answer and why, such as "cigarettes=hidden day=unanswered".

    Returns None if all are answered. The reasons concern the items that are asked at `moments`. `known` maps every item
    that a condition may depend on to its latest value."""
    protocol = readable_protocol(version)
    why = dict(_reasons(protocol, moments, known, trial)) if protocol is not None else {}
    lacking = [item for item in columns if item in why or not is_answered(known.get(item))]
    told = [f"{item}={why.get(item, 'other_version')}" for item in lacking]
    return " ".join(told) or None


def _reasons(
    protocol: Protocol, moments: Collection[Moment], known: Mapping[str, Any], trial: Trial | None
) -> Iterator[tuple[str, str]]:
    """Yields the key of each item that is asked at `moments` and has no answer, with the reason.

    An item can be yielded twice; the later reason is the right one."""
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
