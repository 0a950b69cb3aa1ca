"""Pictures from low to high on one dimension of feeling."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar, Literal

from studies.questions.answer import Answer, AnswerColumn, Score, plain
from studies.questions.conditions import Answers
from studies.questions.question import Drawn, Item, Study
from studies.questions.scales import read_point, score_meaning, score_of


class SelfAssessmentManikin(Item):
    """Pictures from low to high on one dimension of feeling (Bradley & Lang 1994)."""

    order: ClassVar = 70
    frame: ClassVar = "radiogroup"

    type: Literal["self_assessment_manikin"]
    """What kind of item it is."""
    dimension: Literal["valence", "arousal", "dominance"]
    """Which feeling the pictures are of."""
    points: Literal[5, 9] = 9
    """How many steps there are."""
    reverse: bool = False
    """The score is `points` + 1 - the answer."""

    def possible(self, study: Study) -> Answers:
        return Answers((), 1, self.points, whole=True)

    def read(self, value: object, sides: Collection[str]) -> Answer:
        """A point."""
        return read_point(value, self.points)

    def score(self, value: object) -> Score:
        return score_of(value, both_ends=self.points + 1, reverse=self.reverse)

    def columns(self) -> Iterator[AnswerColumn]:
        about = f"{self.asked} ({self.dimension}, 1 = lowest, {self.points} = highest)"
        yield AnswerColumn("", "integer", about, plain)
        if self.reverse:
            meaning = score_meaning(self.asked, reverse=True)
            yield AnswerColumn("_score", "integer", meaning, lambda value: plain(self.score(value)))

    def simulate(self, draw: random.Random, sides: Collection[str] = ()) -> Answer:
        return draw.randint(1, self.points)

    def parts(self, drawn: Drawn) -> Mapping[str, Any]:
        return {"options": drawn.options((str(point), str(point)) for point in range(1, self.points + 1))}
