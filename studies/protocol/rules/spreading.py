"""How people are spread: groups and what they replace, strata, quotas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from studies.errors import Problem
from studies.protocol.counterbalancing import Allocation, Group
from studies.protocol.reading.problems import path_of, suggestion
from studies.protocol.rules.asking import Asked, asked_items, study_of
from studies.protocol.rules.logic import before_trials, check_values
from studies.protocol.rules.talks import check_condition
from studies.protocol.schema import Protocol
from studies.questions.conditions import FEW, Value
from studies.questions.fields import Place


def check(protocol: Protocol) -> Iterator[Problem]:
    if protocol.kind != "planned":
        return
    allocation = protocol.allocation
    items = {asked.item.key: asked for asked in asked_items(protocol)}
    yield from _check_method(allocation)
    for index, key in enumerate(allocation.strata):
        yield from _check_item(protocol, items, key, ("allocation", "strata", index))
    if allocation.by is not None:
        yield from _check_item(protocol, items, allocation.by, ("allocation", "by"))
        if not allocation.groups:
            yield Problem("allocation.by", "has no groups: list groups and the answers that lead to each")
    yield from _check_answers(protocol, items)
    for index, group in enumerate(allocation.groups):
        yield from _check_group(protocol, group, ("allocation", "groups", index))


def _check_method(allocation: Allocation) -> Iterator[Problem]:
    if allocation.method == "minimisation" and not allocation.strata:
        yield Problem("allocation.strata", "is empty; minimisation needs the items whose answers it balances")
    if allocation.method == "random" and allocation.strata:
        yield Problem("allocation.strata", "is not used by method random; take blocks or minimisation, or leave it out")
    if allocation.method != "minimisation" and allocation.probability != Allocation.model_fields["probability"].default:
        yield Problem(
            "allocation.probability", f"belongs to method minimisation, not {allocation.method}; leave it out"
        )


def _check_item(protocol: Protocol, items: dict[str, Asked], key: str, place: Place) -> Iterator[Problem]:
    """An item by whose answer people are spread: asked before the first talk, with few answers."""
    suited = [name for name, asked in items.items() if before_trials(asked) is None and _few(protocol, asked)]
    if key not in items:
        yield Problem(path_of(place), f"there is no item called {key!r}; {suggestion(key, suited)}")
        return
    reason = before_trials(items[key])
    if reason is not None:
        yield Problem(path_of(place), f"{key} {reason}")
    elif not _few(protocol, items[key]):
        message = (
            f"{key} is {items[key].item.type}; expected an item with at most {FEW} answers, such as a single_choice"
        )
        yield Problem(path_of(place), message)


def _few(protocol: Protocol, asked: Asked) -> bool:
    possible = asked.item.possible(study_of(protocol))
    return possible is not None and possible.few and not asked.item.has_several


def _check_answers(protocol: Protocol, items: dict[str, Asked]) -> Iterator[Problem]:
    allocation = protocol.allocation
    by = items.get(allocation.by) if allocation.by is not None else None
    possible = by.item.possible(study_of(protocol)) if by is not None else None
    taken: list[tuple[Value, str]] = []
    for index, group in enumerate(allocation.groups):
        place: Place = ("allocation", "groups", index, "for_answers")
        if allocation.by is None and group.for_answers:
            yield Problem(
                path_of(place), "has answers, but no item they belong to; add allocation.by, the key of an item"
            )
        if by is not None and possible is not None:
            yield from check_values(group.for_answers, place, possible, by.item.key, number_from=0)
        for number, value in enumerate(group.for_answers):
            for other, key in taken:
                if type(other) is type(value) and other == value:
                    message = f"{value!r} leads to {key} already; an answer leads to one group"
                    yield Problem(path_of((*place, number)), message)
            taken.append((value, group.key))
    if possible is not None and allocation.groups and not any(group.for_answers for group in allocation.groups):
        yield Problem(
            "allocation.groups", f"no group has for_answers: state which answers to {allocation.by} lead to which"
        )


def _check_group(protocol: Protocol, group: Group, place: Place) -> Iterator[Problem]:
    for old, new in group.replace.items():
        yield from check_condition(protocol, old, *place, "replace", old)
        yield from check_condition(protocol, new, *place, "replace", old)
        if old == new:
            yield Problem(path_of((*place, "replace", old)), "replaces the condition with itself; leave it out")
    for where, conditions in _together(protocol):
        clash = _clash([group.replace.get(key, key) for key in conditions]) if len({*conditions}) > 1 else None
        if clash is not None and _clash(conditions) is None:
            message = (
                f"puts {clash} into {where} twice, where different conditions are meant to be; replace the other too"
            )
            yield Problem(path_of((*place, "replace")), message)


def _together(protocol: Protocol) -> Iterator[tuple[str, Sequence[str]]]:
    """(where, conditions) that have to differ in every group."""
    for index, pair in enumerate(protocol.pairs):
        yield path_of(("pairs", index)), pair.conditions
    if protocol.design.cells in ("crossed", "assigned"):
        yield "the design", protocol.spread_conditions


def _clash(conditions: Sequence[str]) -> str | None:
    return next((key for index, key in enumerate(conditions) if key in conditions[:index]), None)
