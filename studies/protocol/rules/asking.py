"""When each item is asked, and whether of the visit, of a talk or of a pair."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial

from studies.protocol.questionnaires import EACH_TRIAL, MOMENTS, Moment, Questionnaire
from studies.protocol.schema import Protocol
from studies.questions.fields import Place
from studies.questions.question import Occasion, Scope, Study
from studies.questions.registry import AnyItem

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

    @property
    def occasion(self) -> Occasion:
        named = [each for each in (self.questionnaire.prompts, self.item.prompts) if each is not None]
        before_first_talk = self.moment in BEFORE_TRIALS | {"before_trial"}
        return Occasion(self.moment, self.scope, before_first_talk, named)


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


def study_of(protocol: Protocol) -> Study:
    """What the rules of question types may ask about this study."""
    return Study(
        kind=protocol.kind,
        scenarios={prompt.key: prompt.title for prompt in protocol.prompts if prompt.study_role == "analytical"},
        limits_sec={prompt.key: prompt.limit_sec for prompt in protocol.prompts},
        conditions=[condition.key for condition in protocol.conditions],
        pairs=[(pair.prompt, pair.conditions) for pair in protocol.pairs],
        has_several_talks=partial(_has_several_talks, protocol),
    )


def _has_several_talks(protocol: Protocol, prompt: str) -> bool:
    """Whether one participant talks about it under several conditions."""
    practised = {cell.condition for cell in protocol.practice if cell.prompt == prompt}
    if practised:
        return len(practised) > 1
    cells = protocol.design.cells
    if cells == "pairs":
        return any(pair.prompt == prompt for pair in protocol.pairs)
    if cells == "crossed":
        return len(protocol.conditions) > 1
    variants = protocol.design.variants if cells == "variants" else []
    talked = ({trial.condition for trial in variant.trials if trial.prompt == prompt} for variant in variants)
    return any(len(conditions) > 1 for conditions in talked)
