"""Conditions of which every rule could hold, but not all at once: nobody is both 20 and 30 years old."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from studies.errors import Problem
from studies.protocol.reading.problems import path_of
from studies.protocol.rules.asking import Asked, study_of
from studies.protocol.schema import Protocol
from studies.questions.conditions import Rule, Value, When, is_same
from studies.questions.fields import Place
from studies.questions.possible import Answers


def check_clashes(when: When, place: Place, items: Mapping[str, Asked], protocol: Protocol) -> Iterator[Problem]:
    """For a condition whose rules are each all right."""
    about: defaultdict[str, list[Rule]] = defaultdict(list)
    for rule in when.all:
        about[rule.item].append(rule)
    for name, rules in about.items():
        possible = _answers(name, items, protocol)
        if len(rules) < 2 or possible is None:
            continue
        if not any(all(_holds(rule, value) for rule in rules) for value in _examples(possible, rules)):
            yield Problem(path_of((*place, "all")), f"can never be true: no answer to {name} fits all that it asks")


def _answers(name: str, items: Mapping[str, Asked], protocol: Protocol) -> Answers | None:
    """None for items that have several answers, or none to compare with."""
    key, _, row = name.partition(".")
    item = items[key].item
    if item.has_several:
        return None
    return item.possible_in_row() if row and item.row_keys else item.possible(study_of(protocol))


def _examples(possible: Answers, rules: Sequence[Rule]) -> list[Value | None]:
    """An answer of every kind that the rules could tell apart; None for no answer."""
    named = [value for rule in rules for value in (rule.equals, *(rule.one_of or ()), *(rule.none_of or ()))]
    bounds = [bound for rule in rules for bound in (rule.at_least, rule.at_most)]
    marks = sorted(
        value
        for value in {0, possible.low, possible.high, *named, *bounds}
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    )
    numbers: list[float] = [marks[0] - 1, *marks, *((low + high) / 2 for low, high in pairwise(marks)), marks[-1] + 1]
    if possible.whole:
        numbers = [math.floor(mark) + step for mark in marks for step in (-1, 0, 1, 2)]
    values = [*possible.values, *named, *numbers, "an answer that no rule names"]
    return [None, *(value for value in values if value is not None and possible.has(value))]


def _holds(rule: Rule, value: Value | None) -> bool:
    if rule.answered is not None:
        return rule.answered is (value is not None)
    if value is None:
        return rule.none_of is not None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return (
        (rule.equals is None or is_same(value, rule.equals))
        and (rule.one_of is None or any(is_same(value, one) for one in rule.one_of))
        and (rule.none_of is None or not any(is_same(value, one) for one in rule.none_of))
        and (rule.at_least is None or (is_number and value >= rule.at_least))  # type: ignore[operator]
        and (rule.at_most is None or (is_number and value <= rule.at_most))  # type: ignore[operator]
    )
