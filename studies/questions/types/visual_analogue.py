"""A line to set a mark on."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar, Final, Literal

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from studies.questions.answer import Answer, AnswerColumn, Score, plain
from studies.questions.conditions import Answers
from studies.questions.fields import Line
from studies.questions.options import ChoiceOption
from studies.questions.question import Drawn, Fault, Item, Occasion, Study
from studies.questions.reading import decimal_sign, read_written_number
from studies.questions.scales import extra_faults, levels, read_extra, score_meaning, score_of

END: Final = 100


class VisualAnalogue(Item):
    """A line from 0 to 100 with no mark on it until the participant sets one."""

    order: ClassVar = 50
    frame: ClassVar = "field"

    type: Literal["visual_analogue"]
    """What kind of item it is."""
    low: Line
    """Words at 0."""
    high: Line
    """Words at 100."""
    extra: list[ChoiceOption] = []
    """Answers beside the line, such as “Prefer not to answer”."""
    reverse: bool = False
    """The score is 100 - the answer."""

    def faults(self, study: Study, occasion: Occasion) -> Iterator[Fault]:
        yield from extra_faults(self.extra)

    def key_lists(self) -> Mapping[str, list[str]]:
        return {"extra": [option.key for option in self.extra]}

    def possible(self, study: Study) -> Answers:
        return Answers(tuple(option.key for option in self.extra), 0, END)

    def read(self, value: object, sides: Collection[str]) -> Answer:
        """A number from 0 to 100, or the key of an extra answer."""
        extra = read_extra(self.extra, value)
        if extra is not None:
            return extra
        number = read_written_number(value)
        if not 0 <= number <= END:
            raise ValidationError(_("Please enter a number from 0 to 100."))
        return round(number, 1)

    def score(self, value: object) -> Score:
        return score_of(value, both_ends=END, reverse=self.reverse)

    def columns(self) -> Iterator[AnswerColumn]:
        scale = levels(f"0 = {self.low}, {END} = {self.high}", self.extra)
        yield AnswerColumn("", "text" if self.extra else "number", f"{self.asked} ({scale})", plain)
        if self.reverse or self.extra:
            meaning = score_meaning(self.asked, reverse=self.reverse)
            yield AnswerColumn("_score", "number", meaning, lambda value: plain(self.score(value)))

    def simulate(self, draw: random.Random, sides: Collection[str] = ()) -> Answer:
        return draw.randint(0, END)

    def parts(self, drawn: Drawn) -> Mapping[str, Any]:
        return {
            "text": "" if read_extra(self.extra, drawn.value) else drawn.text,
            "decimal": decimal_sign(),
            "extras": drawn.options(((option.key, option.label) for option in self.extra), "extra-"),
        }
