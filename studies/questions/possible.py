"""Which answers an item can have, so far as a condition on it can ask for them (see `studies.design.questions`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from studies.protocol.cells import MOST_COMPARED
from studies.protocol.items import (
    AnyItem,
    ChoiceOption,
    Choices,
    Date,
    Likert,
    LongText,
    Number,
    Preference,
    SelfAssessmentManikin,
    SemanticDifferential,
    ShortText,
    Switch,
    Value,
    VisualAnalogue,
)
from studies.protocol.schema import Protocol

OTHER = "other"
"""What a condition calls an answer in one's own words."""
NO_DIFFERENCE = "none"
SIDES = "ABCDEFGHIJ"[:MOST_COMPARED]
FEW = 12
"""So many answers at most have an item by whose answer people are spread."""


@dataclass(frozen=True, slots=True)
class Answers:
    """`values`: those listed. `low` to `high`: numbers too, `whole` ones alone or all. `text`, `days`: any of these."""

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


def answers_of(item: AnyItem, protocol: Protocol) -> Answers | None:
    """None: nothing that a condition could compare with, such as a notice or the rows of a semantic differential."""
    match item:
        case Choices():
            other = (OTHER,) if item.other is not None else ()
            return Answers((*(option for option in option_keys(item, protocol)), *other))
        case Likert():
            return Answers(_keys(item.extra), 1, item.points, whole=True)
        case VisualAnalogue():
            return Answers(_keys(item.extra), 0, 100)
        case SelfAssessmentManikin():
            return Answers((), 1, item.points, whole=True)
        case Number():
            low = -math.inf if item.min is None else item.min
            return Answers((), low, math.inf if item.max is None else item.max, whole=item.whole)
        case ShortText() | LongText():
            return Answers(text=True)
        case Switch():
            return Answers((True, False))
        case Date():
            return Answers(days=True)
        case Preference():
            most = max((len(pair.conditions) for pair in protocol.pairs), default=2)
            return Answers((*SIDES[:most], *((NO_DIFFERENCE,) if item.no_difference else ())))
        case _:
            return None


def answers_of_row(item: SemanticDifferential) -> Answers:
    return Answers((), 1, item.points, whole=True)


def option_keys(item: Choices, protocol: Protocol) -> list[str]:
    """Keys of the options; of “scenarios” those of the prompts that are not for practice."""
    if item.options != "scenarios":
        return [option.key for option in item.options]
    return [prompt.key for prompt in protocol.prompts if prompt.study_role == "analytical"]


def _keys(options: Sequence[ChoiceOption]) -> tuple[str, ...]:
    return tuple(option.key for option in options)


def _spelt(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
