"""A number to enter."""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar, Literal

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from studies.questions.answer import Answer, AnswerColumn, plain
from studies.questions.conditions import Answers
from studies.questions.fields import Label
from studies.questions.question import Drawn, Fault, Item, Occasion, Study
from studies.questions.reading import decimal_sign, plainly, read_written_number


class Number(Item):
    """A number."""

    order: ClassVar = 80
    frame: ClassVar = "field"
    is_written: ClassVar = True

    type: Literal["number"]
    """What kind of item it is."""
    min: float | None = None
    """No smaller number is taken."""
    max: float | None = None
    """No larger number is taken."""
    whole: bool = False
    """Only whole numbers are taken."""
    unit: Label | None = None
    """Shown behind the field."""

    def faults(self, study: Study, occasion: Occasion) -> Iterator[Fault]:
        low, high = self.min, self.max
        if low is None or high is None:
            return
        if low > high:
            yield Fault(("min",), f"is {low:g}, above max, {high:g}; nobody could answer")
        elif self.whole and math.ceil(low) > math.floor(high):
            yield Fault(("whole",), f"no whole number lies between {low:g} and {high:g}")

    def possible(self, study: Study) -> Answers:
        low = -math.inf if self.min is None else self.min
        return Answers((), low, math.inf if self.max is None else self.max, whole=self.whole)

    def read(self, value: object, sides: Collection[str]) -> Answer:
        """A number within the limits."""
        number = read_written_number(value, whole=self.whole)
        low, high = self.min, self.max
        if low is not None and high is not None and not low <= number <= high:
            limits = {"low": plainly(low), "high": plainly(high)}
            raise ValidationError(_("Please enter a number from %(low)s to %(high)s.") % limits)
        if low is not None and number < low:
            raise ValidationError(_("Please enter a number that is at least %(low)s.") % {"low": plainly(low)})
        if high is not None and number > high:
            raise ValidationError(_("Please enter a number that is at most %(high)s.") % {"high": plainly(high)})
        return int(number) if number == int(number) else number

    def columns(self) -> Iterator[AnswerColumn]:
        yield AnswerColumn("", "integer" if self.whole else "number", self.asked, plain, self.unit or "")

    def simulate(self, draw: random.Random, sides: Collection[str] = ()) -> Answer:
        low = self.min if self.min is not None else (self.max - 50 if self.max is not None else 0)
        high = self.max if self.max is not None else low + 50
        if self.whole:
            return draw.randint(math.ceil(low), math.floor(high))
        return min(high, max(low, round(draw.uniform(low, high), 2)))

    def parts(self, drawn: Drawn) -> Mapping[str, Any]:
        """`decimal`: the sign that is one for sure (see `read_written_number`)."""
        text = plainly(drawn.value) if isinstance(drawn.value, int | float) else drawn.text
        return {"text": text, "decimal": "" if self.whole else decimal_sign()}
