"""Stars to give."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar, Literal

from studies.questions.answer import Answer, AnswerColumn, Score, plain
from studies.questions.conditions import Answers
from studies.questions.question import Drawn, Item, Study
from studies.questions.scales import read_point


class Stars(Item):
    """So many stars."""

    order: ClassVar = 45
    frame: ClassVar = "radiogroup"

    type: Literal["stars"]
    """What kind of item it is."""
    most: int = 5
    """How many there are to give."""

    def possible(self, study: Study) -> Answers:
        return Answers((), 1, self.most, whole=True)

    def read(self, value: object, sides: Collection[str]) -> Answer:
        """How many stars."""
        return read_point(value, self.most)

    def score(self, value: object) -> Score:
        return value if isinstance(value, int) else None

    def columns(self) -> Iterator[AnswerColumn]:
        yield AnswerColumn("", "integer", f"{self.asked} (1 to {self.most} stars)", plain)

    def simulate(self, draw: random.Random, sides: Collection[str] = ()) -> Answer:
        return draw.randint(1, self.most)

    def parts(self, drawn: Drawn) -> Mapping[str, Any]:
        return {"options": drawn.options((str(count), "★" * count) for count in range(1, self.most + 1))}
