"""Questionnaires and items, each on its own: limits, right answers, scenarios, recordings to listen to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from studies.errors import Problem
from studies.protocol.base import Place
from studies.protocol.items import (
    ChoiceOption,
    Choices,
    Date,
    Likert,
    MultipleChoice,
    Number,
    Playback,
    Preference,
    Questionnaire,
    SingleChoice,
    VisualAnalogue,
)
from studies.protocol.reading.problems import path_of, suggestion
from studies.protocol.rules.answers import OTHER, option_keys
from studies.protocol.rules.asking import BEFORE_TRIALS, Asked, asked_items
from studies.protocol.rules.talks import check_condition
from studies.protocol.schema import Protocol


def check(protocol: Protocol) -> Iterator[Problem]:
    for number, questionnaire in enumerate(protocol.questionnaires):
        yield from _check_questionnaire(protocol, questionnaire, ("questionnaires", number))
    for asked in asked_items(protocol):
        item, place = asked.item, asked.place
        yield from _check_prompts(protocol, asked.questionnaire, item.prompts, (*place, "prompts"))
        match item:
            case Choices():
                yield from _check_choices(protocol, item, place)
            case Likert() | VisualAnalogue():
                yield from _check_scale(item, place)
            case Number() | Date():
                yield from _check_limits(item, place)
            case Playback():
                yield from _check_playback(protocol, asked, item)
            case Preference():
                if asked.moment != "after_pair":
                    message = (
                        f"is asked at {asked.moment}; a preference compares a pair, so it belongs to at: after_pair"
                    )
                    yield Problem(path_of((*place, "type")), message)


def _check_questionnaire(protocol: Protocol, questionnaire: Questionnaire, place: Place) -> Iterator[Problem]:
    moment, role = questionnaire.at, questionnaire.study_role
    yield from _check_prompts(protocol, questionnaire, questionnaire.prompts, (*place, "prompts"))
    if moment == "after_pair" and protocol.kind == "planned" and not protocol.pairs:
        yield Problem(
            path_of((*place, "at")), "is 'after_pair', but there are no pairs; list pairs, or ask at another moment"
        )
    if role is not None and not _of_talks(questionnaire):
        yield Problem(
            path_of((*place, "study_role")), f"is for questions about talks, not for at: {moment}; leave it out"
        )
    if role == "practice" and moment == "after_pair":
        yield Problem(
            path_of((*place, "study_role")), "is 'practice', but practice talks are not in pairs; leave it out"
        )
    elif role == "practice" and _of_talks(questionnaire) and not protocol.practice:
        yield Problem(
            path_of((*place, "study_role")), "is 'practice', but there is no practice; list talks under practice"
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
        yield Problem(path_of(place), "is empty, so that this is never asked; list prompts, or leave it out for all")
    if not _of_talks(questionnaire):
        yield Problem(path_of(place), f"is for questions about talks, not for at: {questionnaire.at}; leave it out")
        return
    role = "analytical" if questionnaire.at == "after_pair" else questionnaire.study_role
    roles = {prompt.key: prompt.study_role for prompt in protocol.prompts}
    paired = {pair.prompt for pair in protocol.pairs}
    for index, key in enumerate(named):
        where = path_of((*place, index))
        if key not in roles:
            yield Problem(where, f"there is no prompt called {key!r}; {suggestion(key, roles)}")
        elif role is not None and roles[key] != role:
            yield Problem(where, f"{key} has study_role: {roles[key]}, and this is asked of {role} talks alone")
        elif questionnaire.at == "after_pair" and key not in paired:
            yield Problem(where, f"{key} is in no pair; {suggestion(key, paired)}")
        elif named is not questionnaire.prompts and key not in (questionnaire.prompts or roles):
            yield Problem(where, f"the questionnaire is not asked about {key}; see its prompts")


def _check_choices(protocol: Protocol, item: Choices, place: Place) -> Iterator[Problem]:
    keys = option_keys(item, protocol)
    if item.options == "scenarios" and len(keys) < 2:
        message = f"are the study's scenarios, of which there are {len(keys)}; expected at least 2 analytical prompts"
        yield Problem(path_of((*place, "options")), message)
    elif not keys:
        yield Problem(path_of((*place, "options")), "is empty; list at least one")
    if item.other is not None and OTHER in keys:
        where = place if item.options == "scenarios" else (*place, "options", keys.index(OTHER), "key")
        yield Problem(path_of(where), f"{OTHER!r} stands for an answer in one's own words; choose another key")
    if isinstance(item, SingleChoice) and item.expect is not None and item.expect not in keys:
        message = f"is {item.expect!r}, which is no option; {suggestion(item.expect, keys)}"
        yield Problem(path_of((*place, "expect")), message)
    if isinstance(item, MultipleChoice):
        most = len(keys) + (item.other is not None)
        for name in ("min_choices", "max_choices"):
            given = getattr(item, name)
            if keys and given is not None and given > most:
                yield Problem(path_of((*place, name)), f"is {given}, but there are {most} options to choose from")
        if item.max_choices is not None and item.min_choices > item.max_choices:
            message = f"is {item.min_choices}, above max_choices, {item.max_choices}; nobody could answer"
            yield Problem(path_of((*place, "min_choices")), message)


def _check_scale(item: Likert | VisualAnalogue, place: Place) -> Iterator[Problem]:
    for index, option in enumerate(item.extra):
        if _looks_like_number(option):
            message = f"{option.key!r} looks like a point of the scale; choose a word"
            yield Problem(path_of((*place, "extra", index, "key")), message)
    if isinstance(item, Likert) and item.expect is not None and not 1 <= item.expect <= item.points:
        yield Problem(path_of((*place, "expect")), f"is {item.expect}; expected a point from 1 to {item.points}")


def _looks_like_number(option: ChoiceOption) -> bool:
    return option.key.replace("_", "").isdigit()


def _check_limits(item: Number | Date, place: Place) -> Iterator[Problem]:
    low, high = item.min, item.max
    if low is None or high is None:
        return
    if low > high:  # type: ignore[operator]  # both numbers, or both days
        yield Problem(path_of((*place, "min")), f"is {_spelt(low)}, above max, {_spelt(high)}; nobody could answer")
    elif isinstance(item, Number) and item.whole and math.ceil(item.min or 0) > math.floor(item.max or 0):
        yield Problem(path_of((*place, "whole")), f"no whole number lies between {_spelt(low)} and {_spelt(high)}")


def _spelt(bound: float | str) -> str:
    return bound if isinstance(bound, str) else f"{bound:g}"


def _check_playback(protocol: Protocol, asked: Asked, item: Playback) -> Iterator[Problem]:
    place = asked.place
    if protocol.kind == "explore" or asked.moment in BEFORE_TRIALS | {"before_trial"}:
        why = "visitors of an explore study talk or not" if protocol.kind == "explore" else "nobody has talked yet"
        yield Problem(path_of((*place, "type")), f"a recording cannot be played at {asked.moment}: {why}")
        return
    if item.prompt is not None:
        yield from _check_recording(protocol, item, place)
    elif asked.scope == "visit":
        yield Problem(path_of((*place, "prompt")), f"is missing: at {asked.moment} it must be said which talk to play")
    if item.condition is not None:
        yield from check_condition(protocol, item.condition, *place, "condition")
    if (
        item.prompt is not None
        and item.condition is None
        and asked.scope == "visit"
        and _several(protocol, item.prompt)
    ):
        message = f"is missing: {item.prompt} is talked about under several conditions"
        yield Problem(path_of((*place, "condition")), message)
    if item.prompt is None and item.condition is not None and asked.scope == "pair":
        yield from _check_pairs_played(protocol, asked, item.condition)
    if item.prompt is None and item.condition is not None and asked.scope == "talk":
        yield Problem(path_of((*place, "condition")), "belongs to a prompt; name both, or leave both out for this talk")


def _check_pairs_played(protocol: Protocol, asked: Asked, condition: str) -> Iterator[Problem]:
    """Pairs that are asked about, of which no talk is held under the condition that is to be played."""
    prompts = [named for named in (asked.questionnaire.prompts, asked.item.prompts) if named is not None]
    for index, pair in enumerate(protocol.pairs):
        if all(pair.prompt in named for named in prompts) and condition not in pair.conditions:
            message = f"{condition} is none of those of pairs[{index}]; name one that every pair asked about has"
            yield Problem(path_of((*asked.place, "condition")), message)
            return


def _check_recording(protocol: Protocol, item: Playback, place: Place) -> Iterator[Problem]:
    prompts = {prompt.key: prompt for prompt in protocol.prompts}
    if item.prompt not in prompts:
        message = f"there is no prompt called {item.prompt!r}; {suggestion(str(item.prompt), prompts)}"
        yield Problem(path_of((*place, "prompt")), message)
    elif item.start_sec >= prompts[item.prompt].limit_sec:
        limit = prompts[item.prompt].limit_sec
        yield Problem(
            path_of((*place, "start_sec")), f"is {item.start_sec:g}, but talks about it last at most {limit} s"
        )


def _several(protocol: Protocol, prompt: str) -> bool:
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
