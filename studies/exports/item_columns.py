"""Columns of what a study asks, made from its items in all its versions, in the study's own language.

`answer_warm` is the answer to the item `warm`. What follows that name is up to the type of the item."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import lru_cache
from typing import Any

from studies.design.questions import scenarios_of
from studies.errors import ProtocolError
from studies.exports.columns import Cell, Column, Row
from studies.models import ProtocolVersion, Study
from studies.protocol.questionnaires import Moment
from studies.protocol.schema import Protocol
from studies.publish import protocol_of
from studies.questions.columns import AnswerColumn
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
