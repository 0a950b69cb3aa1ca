"""When each item is asked, and whether of the visit, of a talk or of a pair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from studies.protocol.base import Place
from studies.protocol.items import EACH_TRIAL, MOMENTS, AnyItem, Moment, Questionnaire
from studies.protocol.schema import Protocol

Scope = Literal["visit", "talk", "pair"]
BEFORE_TRIALS = frozenset({"eligibility", "consent", "background", "device_check"})
WITHOUT_TALKS = frozenset({"eligibility", "consent", "background", "device_check", "end", "debrief"})
"""All that an explore study asks at."""


def scope_of(moment: Moment) -> Scope:
    """What an answer belongs to: one for the visit, for each talk, or for each pair."""
    if moment in EACH_TRIAL:
        return "talk"
    return "pair" if moment == "after_pair" else "visit"


@dataclass(frozen=True)
class Asked:
    """An item of a study. `place`: where in the document; `turn` grows from what is asked first to what is asked
    last, within a visit, a talk or a pair."""

    item: AnyItem
    place: Place
    questionnaire: Questionnaire
    turn: tuple[int, int, int]

    @property
    def moment(self) -> Moment:
        return self.questionnaire.at

    @cached_property
    def scope(self) -> Scope:
        return scope_of(self.moment)


def asked_items(protocol: Protocol) -> Iterator[Asked]:
    """Every item, in the order of the document; what is inserted has its turn behind what it is inserted after."""
    for number, questionnaire in enumerate(protocol.questionnaires):
        turn = {id(item): index for index, item in enumerate(questionnaire.all_items())}
        moment = MOMENTS.index(questionnaire.at)
        lists: list[tuple[Place, list[AnyItem]]] = [(("questionnaires", number, "items"), questionnaire.items)]
        lists += [
            (("questionnaires", number, "insertions", index, "items"), insertion.items)
            for index, insertion in enumerate(questionnaire.insertions)
        ]
        for place, items in lists:
            for index, item in enumerate(items):
                place_in_turn = turn.get(
                    id(item), len(turn)
                )  # inserted after nothing that is there: reported elsewhere
                yield Asked(item, (*place, index), questionnaire, (moment, number, place_in_turn))


def start_of(protocol: Protocol, number: int) -> tuple[int, int, int]:
    """The turn before all items of a questionnaire."""
    return MOMENTS.index(protocol.questionnaires[number].at), number, -1
