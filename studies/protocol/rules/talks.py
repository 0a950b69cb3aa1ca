"""Prompts, conditions, pairs and practice: what they refer to is there, fits together, and is used."""

from __future__ import annotations

from collections.abc import Iterator

from studies.errors import Problem
from studies.protocol.reading.problems import path_of, suggestion
from studies.protocol.schema import Protocol
from studies.questions.fields import Place


def check(protocol: Protocol) -> Iterator[Problem]:
    yield from _check_prompts(protocol)
    yield from _check_conditions(protocol)
    if protocol.kind == "planned":
        yield from _check_pairs(protocol)
        for index, cell in enumerate(protocol.practice):
            yield from check_prompt(protocol, cell.prompt, "practice", "practice", index, "prompt")
            yield from check_condition(protocol, cell.condition, "practice", index, "condition")
        yield from _check_unused(protocol)


def check_prompt(protocol: Protocol, key: str, study_role: str, *place: int | str) -> Iterator[Problem]:
    """A reference to a prompt, which should have this study role."""
    roles = {prompt.key: prompt.study_role for prompt in protocol.prompts}
    if key not in roles:
        near = suggestion(key, (name for name, role in roles.items() if role == study_role))
        yield Problem(path_of(place), f"there is no prompt called {key!r}; {near}")
    elif roles[key] != study_role:
        yield Problem(path_of(place), f"{key} has study_role: {roles[key]}; expected a prompt that is {study_role}")


def check_condition(protocol: Protocol, key: str, *place: int | str) -> Iterator[Problem]:
    """A reference to a condition."""
    conditions = [condition.key for condition in protocol.conditions]
    if key not in conditions:
        yield Problem(path_of(place), f"there is no condition called {key!r}; {suggestion(key, conditions)}")


def _check_prompts(protocol: Protocol) -> Iterator[Problem]:
    for index, prompt in enumerate(protocol.prompts):
        if prompt.card is None and not prompt.sections:
            yield Problem(path_of(("prompts", index)), "says nothing to the participant; add a card or sections")


def _check_conditions(protocol: Protocol) -> Iterator[Problem]:
    for index, condition in enumerate(protocol.conditions):
        place: Place = ("conditions", index)
        seed = condition.seed
        if seed.policy == "fixed" and seed.value is None:
            yield Problem(path_of((*place, "seed", "value")), "is missing: policy fixed needs the number to start from")
        if seed.policy != "fixed" and seed.value is not None:
            message = f"belongs to policy fixed, but the policy is {seed.policy}; change one of the two"
            yield Problem(path_of((*place, "seed", "value")), message)
        if condition.intended is not None and condition.delivery is None:
            message = (
                "names a way to speak, but nobody is asked to speak like that; add delivery, the words that ask for it"
            )
            yield Problem(path_of((*place, "intended")), message)
    longest = max(prompt.limit_sec for prompt in protocol.prompts)
    for place, segments in protocol.schedules():
        for number, segment in enumerate(segments):
            if segment.start_sec >= longest:
                limit = f"no conversation lasts longer than {longest} s (see limit_sec of prompts)"
                message = f"is {segment.start_sec:g}, but {limit}"
                yield Problem(path_of((*place, number, "start_sec")), message)


def _check_pairs(protocol: Protocol) -> Iterator[Problem]:
    first: dict[tuple[str, frozenset[str]], int] = {}
    for index, pair in enumerate(protocol.pairs):
        yield from check_prompt(protocol, pair.prompt, "analytical", "pairs", index, "prompt")
        for side, key in enumerate(pair.conditions):
            yield from check_condition(protocol, key, "pairs", index, "conditions", side)
        same = (pair.prompt, frozenset(pair.conditions))
        if same in first:
            message = f"is the pair at pairs[{first[same]}] again; to have it repeated, set design.repetitions"
            yield Problem(path_of(("pairs", index)), message)
        first.setdefault(same, index)


def _check_unused(protocol: Protocol) -> Iterator[Problem]:
    """What would never be met by anybody: forgotten, or misspelt elsewhere."""
    if protocol.design.cells in ("pairs", "variants") and not (protocol.pairs or protocol.design.variants):
        return  # that nothing is listed at all is told elsewhere
    prompts = {cell.prompt for cell in protocol.practice}
    conditions = {cell.condition for cell in protocol.practice}
    for group in protocol.allocation.groups:
        conditions |= set(group.replace.values())
    cells = protocol.design.cells
    if cells == "variants":
        listed = [cell for variant in protocol.design.variants for cell in variant.trials]
        prompts |= {cell.prompt for cell in listed}
        conditions |= {cell.condition for cell in listed}
    elif cells == "pairs":
        prompts |= {pair.prompt for pair in protocol.pairs}
        conditions |= {key for pair in protocol.pairs for key in pair.conditions}
    else:
        prompts |= set(protocol.analytical_prompts)
        conditions |= {condition.key for condition in protocol.conditions}
    where = {"pairs": "under pairs", "variants": "in a variant"}.get(cells, "in the design")
    if prompts <= {prompt.key for prompt in protocol.prompts}:  # else one is misspelt, and that is told
        for index, prompt in enumerate(protocol.prompts):
            if prompt.key not in prompts:
                there = "under practice" if prompt.study_role == "practice" else where
                message = f"{prompt.key} is never used: list it {there}, or leave it out"
                yield Problem(path_of(("prompts", index)), message)
    if conditions <= {condition.key for condition in protocol.conditions}:
        for index, condition in enumerate(protocol.conditions):
            if condition.key not in conditions:
                message = f"no conversation uses {condition.key}: list it {where}, or leave it out"
                yield Problem(path_of(("conditions", index)), message)
