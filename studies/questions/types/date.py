"""A day to enter."""

from __future__ import annotations

import datetime
import random
from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar, Literal

from django.core.exceptions import ValidationError
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from studies.questions.answer import Answer, AnswerColumn, plain
from studies.questions.conditions import Answers
from studies.questions.fields import Day
from studies.questions.question import Drawn, Fault, Item, Occasion, Study


class Date(Item):
    """A day."""

    order: ClassVar = 120
    frame: ClassVar = "field"
    is_written: ClassVar = True

    type: Literal["date"]
    """What kind of item it is."""
    min: Day | None = None
    """No earlier day is taken."""
    max: Day | None = None
    """No later day is taken."""

    def faults(self, study: Study, occasion: Occasion) -> Iterator[Fault]:
        if self.min is not None and self.max is not None and self.min > self.max:
            yield Fault(("min",), f"is {self.min}, above max, {self.max}; nobody could answer")

    def possible(self, study: Study) -> Answers:
        return Answers(days=True)

    def read(self, value: object, sides: Collection[str]) -> Answer:
        """A day such as "2026-12-31"."""
        try:
            is_long = isinstance(value, str) and len(value) == len("2026-12-31")
            day = datetime.date.fromisoformat(str(value)) if is_long else None
        except ValueError:
            day = None
        if day is None:
            raise ValidationError(_("Please enter a date as year, month and day, for example 2026-12-31."))
        first, last = self._limits()
        if first is not None and day < first:
            raise ValidationError(_("Please enter a date no earlier than %(day)s.") % {"day": date_format(first)})
        if last is not None and day > last:
            raise ValidationError(_("Please enter a date no later than %(day)s.") % {"day": date_format(last)})
        return day.isoformat()

    def columns(self) -> Iterator[AnswerColumn]:
        yield AnswerColumn("", "text", self.asked, plain, "ISO 8601 day")

    def simulate(self, draw: random.Random, sides: Collection[str] = ()) -> Answer:
        first, last = self._limits()
        first = first or datetime.date(1950, 1, 1)
        last = last or max(first, datetime.date(2020, 12, 31))
        return (first + datetime.timedelta(days=draw.randint(0, (last - first).days))).isoformat()

    def parts(self, drawn: Drawn) -> Mapping[str, Any]:
        return {"text": drawn.text}

    def _limits(self) -> tuple[datetime.date | None, datetime.date | None]:
        first, last = (datetime.date.fromisoformat(limit) if limit else None for limit in (self.min, self.max))
        return first, last
