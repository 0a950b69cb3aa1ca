"""Conditions on answers: what they say, and whether they hold. js/questions/conditions.js does the same in the browser;
both are tested against tests/data/conditions.json."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from studies.questions.fields import Strict

Value = str | int | float | bool

OTHER: Final = "other"
"""What a rule calls an answer in one's own words."""


class Rule(Strict):
    """True when the answer to `item` is as said, by one test alone (but `at_least` and `at_most` may make a range). An
    item that was not answered, or not asked, makes it false, except for `answered: false` and `none_of`. Of an item
    with several answers (multiple choice), any one of them counts."""

    item: str
    """Key of an item that is asked earlier; `item.row` for a row of a semantic differential."""
    equals: Value | None = None
    """The answer is this one."""
    one_of: list[Value] | None = None
    """The answer is one of these."""
    none_of: list[Value] | None = None
    """The answer is none of these, or there is none."""
    at_least: float | None = None
    """The answer is a number, and no smaller."""
    at_most: float | None = None
    """The answer is a number, and no larger."""
    answered: bool | None = None
    """There is an answer (true), or there is none (false)."""


class When(Strict):
    """True when all rules under `all` are and, if there are any under `any`, at least one of those."""

    all: list[Rule] = []
    """Every one of these rules holds."""
    any: list[Rule] = []
    """At least one of these rules holds."""


def is_true(when: When | None, answers: Mapping[str, Any]) -> bool:
    """Whether a condition holds for the answers by item. A condition without rules always holds."""
    if when is None:
        return True
    return all(_holds(rule, answers) for rule in when.all) and (
        not when.any or any(_holds(rule, answers) for rule in when.any)
    )


def items_of(when: When | None) -> set[str]:
    """The keys of the items that a condition depends on."""
    rules = [*when.all, *when.any] if when is not None else []
    return {rule.item.partition(".")[0] for rule in rules}


def is_answered(value: object) -> bool:
    return value is not None and value != "" and value != [] and value != {}


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_same(value: object, other: object) -> bool:
    """Whether two values are the same answer. Yes is not 1, although Python holds them equal."""
    return isinstance(value, bool) == isinstance(other, bool) and bool(value == other)


def _holds(rule: Rule, answers: Mapping[str, Any]) -> bool:
    given = _given(rule.item, answers)
    answered = bool(given.values) or given.answered
    if rule.answered is False:
        return not answered
    if not answered:
        return rule.none_of is not None and rule.equals is None and rule.one_of is None and _unbounded(rule)
    numbers = [value for value in given.values if is_number(value)]
    return (
        (rule.equals is None or _among(given.values, [rule.equals]))
        and (rule.one_of is None or _among(given.values, rule.one_of))
        and (rule.none_of is None or not _among(given.values, rule.none_of))
        and (rule.at_least is None or any(value >= rule.at_least for value in numbers))
        and (rule.at_most is None or any(value <= rule.at_most for value in numbers))
    )


@dataclass(frozen=True, slots=True)
class _Given:
    answered: bool = False
    values: list[Any] = field(default_factory=list)


def _given(name: str, answers: Mapping[str, Any]) -> _Given:
    """The values of an item, or of one of its rows (`item.row`)."""
    key, _, row = name.partition(".")
    value = answers.get(key)
    if row:
        value = value.get(row) if isinstance(value, Mapping) else None
    if not is_answered(value):
        return _Given()
    parts = value if isinstance(value, list) else [value]
    words = [OTHER for part in parts if isinstance(part, Mapping) and OTHER in part]
    return _Given(True, [part for part in parts if not isinstance(part, Mapping)] + words)


def _unbounded(rule: Rule) -> bool:
    return rule.at_least is None and rule.at_most is None and rule.answered is None


def _among(values: Iterable[Any], wanted: Iterable[Any]) -> bool:
    wanted = list(wanted)
    return any(is_same(value, one) for value in values for one in wanted)
