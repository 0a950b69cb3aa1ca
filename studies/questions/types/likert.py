"""A scale of points with words at both ends."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from studies.questions.answer import Answer, AnswerColumn, Score, plain
from studies.questions.conditions import Answers
from studies.questions.fields import Line
from studies.questions.options import ChoiceOption
from studies.questions.question import Drawn, Fault, Item, Occasion, Study
from studies.questions.scales import extra_faults, levels, read_extra, read_point, score_meaning, score_of


class Likert(Item):
    """A scale from 1 to `points` with words at both ends."""

    order: ClassVar = 40
    frame: ClassVar = "radiogroup"

    type: Literal["likert"]
    """What kind of item it is."""
    low: Line
    """Words at 1."""
    high: Line
    """Words at the other end."""
    points: Annotated[int, Field(ge=2, le=11)] = 7
    """How many steps there are."""
    extra: list[ChoiceOption] = []
    """Answers beside the scale, such as “Prefer not to answer”."""
    reverse: bool = False
    """The score is `points` + 1 - the answer."""
    expect: int | None = None
    """The right answer, which makes it an attention check."""

    @property
    def expected(self) -> int | None:
        return self.expect

    def faults(self, study: Study, occasion: Occasion) -> Iterator[Fault]:
        yield from extra_faults(self.extra)
        if self.expect is not None and not 1 <= self.expect <= self.points:
            yield Fault(("expect",), f"is {self.expect}; expected a point from 1 to {self.points}")

    def key_lists(self) -> Mapping[str, list[str]]:
        return {"extra": [option.key for option in self.extra]}

    def possible(self, study: Study) -> Answers:
        return Answers(tuple(option.key for option in self.extra), 1, self.points, whole=True)

    def read(self, value: object, sides: Collection[str]) -> Answer:
        """A point, or the key of an extra answer."""
        return read_extra(self.extra, value) or read_point(value, self.points)

    def score(self, value: object) -> Score:
        return score_of(value, both_ends=self.points + 1, reverse=self.reverse)

    def columns(self) -> Iterator[AnswerColumn]:
        scale = levels(f"1 = {self.low}, {self.points} = {self.high}", self.extra)
        yield AnswerColumn("", "text" if self.extra else "integer", f"{self.asked} ({scale})", plain)
        if self.reverse or self.extra:
            meaning = score_meaning(self.asked, reverse=self.reverse)
            yield AnswerColumn("_score", "integer", meaning, lambda value: plain(self.score(value)))

    def simulate(self, draw: random.Random, sides: Collection[str] = ()) -> Answer:
        answers: list[int | str] = [*range(1, self.points + 1), *(option.key for option in self.extra)]
        return draw.choice(answers)

    def parts(self, drawn: Drawn) -> Mapping[str, Any]:
        return {
            "options": drawn.options((str(point), str(point)) for point in range(1, self.points + 1)),
            "extras": drawn.options(((option.key, option.label) for option in self.extra), "extra-"),
        }
