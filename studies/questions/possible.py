"""Which answers a condition can ask for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date
from typing import Final

from studies.questions.conditions import Value

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
