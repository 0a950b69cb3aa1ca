"""Conditions on answers: what they say, whether they hold, and which answers they can ask for.
js/questions/conditions.js does the same in the browser; both are tested against tests/data/conditions.json."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from unicodedata import normalize

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
    """Whether two values are the same answer. Yes is not 1, although Python holds them equal; texts are
    compared in their composed form."""
    if isinstance(value, str) and isinstance(other, str):
        return normalize("NFC", value) == normalize("NFC", other)
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


FEW: Final = 12
"""People are spread by the answers to an item that has no more answers than this."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The listed `values`, and besides them numbers from `low` to `high` (`whole` ones alone), any `text`, or any
    of the `days` of the calendar."""

    values: tuple[Value, ...] = ()
    low: float | None = None
    high: float | None = None
    whole: bool = False
    text: bool = False
    days: bool = False

    @property
    def numbers(self) -> bool:
        return self.low is not None

    @property
    def few(self) -> bool:
        """Whether they are few enough to spread people by."""
        if self.text or self.days:
            return False
        numbers = 0.0
        if self.low is not None and self.high is not None:
            numbers = self.high - self.low + 1 if self.whole else math.inf
        return 0 < numbers + len(self.values) <= FEW

    def has(self, value: Value) -> bool:
        if any(type(value) is type(one) and value == one for one in self.values):
            return True
        if isinstance(value, bool):
            return False
        if isinstance(value, str):
            return self.text or (self.days and _is_day(value))
        if self.low is None or self.high is None or (self.whole and value != int(value)):
            return False
        return self.low <= value <= self.high

    def in_words(self) -> str:
        """What is expected, for a message."""
        parts = [_spelt(value) for value in self.values]
        if self.low is not None and self.high is not None:
            kind = "a whole number" if self.whole else "a number"
            bounded = math.isfinite(self.low) and math.isfinite(self.high)
            parts.append(f"{kind} from {self.low:g} to {self.high:g}" if bounded else kind)
        if self.days:
            parts.append("a day, such as '2026-12-31'")
        if self.text:
            parts.append("text")
        return " or ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def _spelt(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
