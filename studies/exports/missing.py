"""Why a row has no answer to an item that its table has a column for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from studies.design.plan import PlannedTrial
from studies.design.questions import asked, visible
from studies.design.visit import applies
from studies.exports.item_columns import items_at, readable_protocol
from studies.models import ProtocolVersion, Trial
from studies.protocol.questionnaires import Moment, Questionnaire
from studies.protocol.schema import Protocol
from studies.questions.conditions import is_answered, is_true

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
