"""Columns of what a study asks, made from its items in all its versions, in the study's own language.

`answer_warm` is the answer to the item `warm`. What it counts for stands beside it where that is something else:
`answer_warm_score` of a scale that is reversed, or that has answers beside it. A choice of several has a column for
each option, opposites have one for each row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from studies.design.questions import OTHER, is_answered, options_of, scored
from studies.errors import ProtocolError
from studies.exports.columns import Cell, Column, ColumnType, Row
from studies.models import ProtocolVersion, Study
from studies.protocol.items import (
    AnyItem,
    ChoiceOption,
    Choices,
    Date,
    Likert,
    Moment,
    MultipleChoice,
    Notice,
    Number,
    Playback,
    Preference,
    SelfAssessmentManikin,
    SemanticDifferential,
    SingleChoice,
    Switch,
    VisualAnalogue,
)
from studies.protocol.schema import Protocol
from studies.publish import protocol_of

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
    return {
        item.key: (_with_options(item, protocols), protocol)
        for protocol in protocols
        for questionnaire in protocol.questionnaires
        if questionnaire.at in moments
        for item in questionnaire.all_items()
        if not isinstance(item, Notice | Preference)
    }


def item_columns(item: AnyItem, get: Get[Row]) -> Iterator[Column[Row]]:
    """The columns of one item."""
    name, asked = f"answer_{item.key}", f"Answer to “{item.text}”"

    def column(suffix: str, kind: ColumnType, meaning: str, of: Callable[[Any], Cell], unit: str = "") -> Column[Row]:
        return Column(f"{name}{suffix}", kind, meaning, lambda row: of(get(row, item.key)), unit)

    match item:
        case SingleChoice():
            yield column("", "text", f"{asked} ({_named(_written(item))})", _chosen)
            if item.other is not None:
                yield column(f"_{OTHER}", "text", f"{asked}, in the participant's words", _own_words)
        case MultipleChoice():
            for option in _written(item):
                yield column(
                    f"_{option.key}", "boolean", f"{asked}: “{option.label}” was chosen", _includes(option.key)
                )
            if item.other is not None:
                yield column(f"_{OTHER}", "text", f"{asked}, in the participant's words", _own_words)
        case Likert():
            scale = f"1 = {item.low}, {item.points} = {item.high}"
            yield column("", "text" if item.extra else "integer", f"{asked} ({_scale(scale, item.extra)})", _plain)
            if item.reverse or item.extra:
                yield column("_score", "integer", _counts(asked, item.reverse), lambda value: scored(item, value))
        case VisualAnalogue():
            scale = f"0 = {item.low}, 100 = {item.high}"
            yield column("", "text" if item.extra else "number", f"{asked} ({_scale(scale, item.extra)})", _plain)
            if item.reverse or item.extra:
                yield column("_score", "number", _counts(asked, item.reverse), lambda value: scored(item, value))
        case SelfAssessmentManikin():
            about = f"{asked} ({item.dimension}, 1 = lowest, {item.points} = highest)"
            yield column("", "integer", about, _plain)
            if item.reverse:
                yield column("_score", "integer", _counts(asked, True), lambda value: scored(item, value))
        case SemanticDifferential():
            for row in item.rows:
                about = f"{asked} (1 = {row.low}, {item.points} = {row.high})"
                yield column(f"_{row.key}", "integer", about, _part(row.key))
                if row.reverse:
                    yield column(f"_{row.key}_score", "integer", _counts(about, True), _row_score(item, row.key))
        case Number():
            yield column("", "integer" if item.whole else "number", asked, _plain, item.unit or "")
        case Switch():
            yield column("", "boolean", f"{asked} (true = {item.yes or 'Yes'}, false = {item.no or 'No'})", _plain)
        case Date():
            yield column("", "text", asked, _plain, "ISO 8601 day")
        case Playback():
            heard = f"of the recording under “{item.text}” ({item.track}), as the browser counted"
            yield column("_plays", "integer", f"Number of plays {heard}", _part("plays"))
            yield column("_listened_sec", "number", f"Part that was heard {heard}", _part("listened_sec"), "s")
        case _:
            yield column("", "text", f"{asked}, in the participant's words", _plain)


def _with_options(item: AnyItem, protocols: Sequence[Protocol]) -> AnyItem:
    """A choice with the options of all versions, those of the newest last said."""
    if not isinstance(item, Choices):
        return item
    options: dict[str, ChoiceOption] = {}
    for protocol in protocols:
        other = protocol.items().get(item.key)
        if isinstance(other, Choices):
            options |= {option.key: option for option in options_of(other, protocol)}
    return item.model_copy(update={"options": list(options.values())})


def _written(item: Choices) -> list[ChoiceOption]:
    return [option for option in item.options if isinstance(option, ChoiceOption)]


def _named(options: Sequence[ChoiceOption]) -> str:
    return ", ".join(f"{option.key} = {option.label}" for option in options)


def _scale(scale: str, extra: Sequence[ChoiceOption]) -> str:
    return f"{scale}; beside it {_named(extra)}" if extra else scale


def _counts(asked: str, reverse: bool) -> str:
    return f"{asked}, reversed: a higher number is a higher score" if reverse else f"{asked}, where it is on the scale"


def _plain(value: Any) -> Cell:
    return value if isinstance(value, str | int | float | bool) else None


def _chosen(value: Any) -> Cell:
    return OTHER if isinstance(value, Mapping) else _plain(value)


def _own_words(value: Any) -> Cell:
    parts = value if isinstance(value, list) else [value]
    return next((_plain(part.get(OTHER)) for part in parts if isinstance(part, Mapping)), None)


def _includes(option: str) -> Callable[[Any], Cell]:
    return lambda value: option in value if isinstance(value, list) and is_answered(value) else None


def _part(name: str) -> Callable[[Any], Cell]:
    return lambda value: _plain(value.get(name)) if isinstance(value, Mapping) else None


def _row_score(item: SemanticDifferential, row: str) -> Callable[[Any], Cell]:
    return lambda value: scored(item, value)[row]
