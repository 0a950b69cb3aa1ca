"""Questionnaires, each on its own: what it is asked about, and what the question types find wrong with its items."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from studies.errors import Problem
from studies.protocol.questionnaires import Questionnaire
from studies.protocol.reading.problems import path_of, suggestion
from studies.protocol.rules.asking import asked_items, study_of
from studies.protocol.schema import Protocol
from studies.questions.fields import Place


def check(protocol: Protocol) -> Iterator[Problem]:
    for number, questionnaire in enumerate(protocol.questionnaires):
        yield from _check_questionnaire(protocol, questionnaire, ("questionnaires", number))
    study = study_of(protocol)
    for asked in asked_items(protocol):
        item, place = asked.item, asked.place
        yield from _check_prompts(protocol, asked.questionnaire, item.prompts, (*place, "prompts"))
        for fault in item.faults(study, asked.occasion):
            ending = f"; {suggestion(fault.unknown, fault.known)}" if fault.unknown is not None else ""
            yield Problem(path_of((*place, *fault.place)), f"{fault.message}{ending}")


def _check_questionnaire(protocol: Protocol, questionnaire: Questionnaire, place: Place) -> Iterator[Problem]:
    moment, role = questionnaire.at, questionnaire.study_role
    yield from _check_prompts(protocol, questionnaire, questionnaire.prompts, (*place, "prompts"))
    if moment == "after_pair" and protocol.kind == "planned" and not protocol.pairs:
        yield Problem(
            path_of((*place, "at")), "is 'after_pair', but there are no pairs; list pairs, or ask at another moment"
        )
    if role is not None and not _of_talks(questionnaire):
        yield Problem(
            path_of((*place, "study_role")), f"is for questions about conversations, not for at: {moment}; leave it out"
        )
    if role == "practice" and moment == "after_pair":
        yield Problem(
            path_of((*place, "study_role")), "is 'practice', but practice conversations are not in pairs; leave it out"
        )
    elif role == "practice" and _of_talks(questionnaire) and not protocol.practice:
        yield Problem(
            path_of((*place, "study_role")),
            "is 'practice', but there is no practice; list conversations under practice",
        )
    keys = [item.key for item in questionnaire.items]
    for index, insertion in enumerate(questionnaire.insertions):
        there: Place = (*place, "insertions", index)
        yield from _check_prompts(protocol, questionnaire, insertion.prompts, (*there, "prompts"))
        if insertion.insert_after not in keys:
            message = (
                f"this questionnaire has no item {insertion.insert_after!r}; {suggestion(insertion.insert_after, keys)}"
            )
            yield Problem(path_of((*there, "insert_after")), message)


def _of_talks(questionnaire: Questionnaire) -> bool:
    return questionnaire.at in {"before_trial", "after_trial", "playback", "after_pair"}


def _check_prompts(
    protocol: Protocol, questionnaire: Questionnaire, named: Sequence[str] | None, place: Place
) -> Iterator[Problem]:
    """Scenarios that something is asked about: there, talked about at this moment, and with these questions."""
    if named is None:
        return
    if not named:
        yield Problem(path_of(place), "is empty, so this is never asked; list prompts, or leave it out for all")
    if not _of_talks(questionnaire):
        yield Problem(
            path_of(place), f"is for questions about conversations, not for at: {questionnaire.at}; leave it out"
        )
        return
    role = "analytical" if questionnaire.at == "after_pair" else questionnaire.study_role
    roles = {prompt.key: prompt.study_role for prompt in protocol.prompts}
    paired = {pair.prompt for pair in protocol.pairs}
    for index, key in enumerate(named):
        where = path_of((*place, index))
        if key not in roles:
            yield Problem(where, f"there is no prompt called {key!r}; {suggestion(key, roles)}")
        elif role is not None and roles[key] != role:
            yield Problem(
                where, f"{key} has study_role: {roles[key]}, but this is asked only about {role} conversations"
            )
        elif questionnaire.at == "after_pair" and key not in paired:
            yield Problem(where, f"{key} is in no pair; {suggestion(key, paired)}")
        elif named is not questionnaire.prompts and key not in (questionnaire.prompts or roles):
            yield Problem(where, f"the questionnaire is not asked about {key}; see its prompts")
