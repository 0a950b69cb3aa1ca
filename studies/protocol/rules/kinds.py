"""What belongs to planned studies alone, and what to explore studies alone."""

from __future__ import annotations

from collections.abc import Iterator

from studies.errors import Problem
from studies.protocol.questionnaires import MOMENTS
from studies.protocol.reading.problems import path_of
from studies.protocol.rules.asking import WITHOUT_TALKS
from studies.protocol.schema import Protocol

OF_PLANNED = {
    "conditions": "an explore study has an offer",
    "pairs": "visitors compare whatever they like",
    "practice": "visitors have as many conversations as they like",
    "comparison": "there are no pairs",
    "give_back": "visitors see the words and the measures of their talks at once",
    "design": "visitors choose for themselves",
    "allocation": "visitors choose for themselves",
    "practice_intro": "there is no practice",
    "main_intro": "there is no plan to introduce",
}


def check(protocol: Protocol) -> Iterator[Problem]:
    if protocol.kind == "planned":
        yield from _check_planned(protocol)
    else:
        yield from _check_explore(protocol)


def _check_planned(protocol: Protocol) -> Iterator[Problem]:
    if not protocol.conditions:
        yield Problem("conditions", "is missing; a planned study needs at least one condition")
    if protocol.offer is not None:
        yield Problem("offer", "belongs to kind explore; a planned study lists conditions")
    if all(prompt.study_role == "practice" for prompt in protocol.prompts):
        yield Problem("prompts", "are all for practice; a planned study needs at least one with study_role: analytical")
    if protocol.practice_intro is not None and not protocol.practice:
        yield Problem(
            "practice_intro", "introduces practice, but there is none; list it under practice, or leave this out"
        )


def _check_explore(protocol: Protocol) -> Iterator[Problem]:
    if protocol.offer is None:
        yield Problem("offer", "is missing: an explore study says which engines and voices visitors may choose")
    for name, why in OF_PLANNED.items():
        if getattr(protocol, name) != type(protocol).model_fields[name].get_default(call_default_factory=True):
            yield Problem(name, f"belongs to kind planned: {why}; leave it out")
    for index, prompt in enumerate(protocol.prompts):
        if prompt.study_role == "practice":
            place = path_of(("prompts", index, "study_role"))
            yield Problem(place, "is 'practice'; an explore study has no practice, leave it out")
    for index, questionnaire in enumerate(protocol.questionnaires):
        if questionnaire.at not in WITHOUT_TALKS:
            place = path_of(("questionnaires", index, "at"))
            moments = ", ".join(moment for moment in MOMENTS if moment in WITHOUT_TALKS)
            yield Problem(place, f"is {questionnaire.at!r}; an explore study asks only at one of {moments}")
