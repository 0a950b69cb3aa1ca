"""One of several answers."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping
from typing import ClassVar, Literal

from studies.questions.answer import LINES, Answer, AnswerCell, AnswerColumn, plain
from studies.questions.conditions import OTHER
from studies.questions.fields import Key
from studies.questions.options import Choices, named
from studies.questions.question import Fault, Occasion, Study


class SingleChoice(Choices):
    """One of several."""

    order: ClassVar = 20
    frame: ClassVar = "radiogroup"

    type: Literal["single_choice"]
    """What kind of item it is."""
    expect: Key | None = None
    """The right answer, which makes it an attention check."""

    @property
    def expected(self) -> str | None:
        return self.expect

    def faults(self, study: Study, occasion: Occasion) -> Iterator[Fault]:
        yield from super().faults(study, occasion)
        keys = self._keys(study)
        if self.expect is not None and self.expect not in keys:
            yield Fault(("expect",), f"is {self.expect!r}, which is no option", unknown=self.expect, known=keys)

    def read(self, value: object, sides: Collection[str]) -> Answer:
        """The key of an option, or {"other": words} for an answer in one's own words."""
        return self.read_option(value)

    def columns(self) -> Iterator[AnswerColumn]:
        yield AnswerColumn("", "text", f"{self.asked} ({named(self.written)})", _chosen)
        yield from self.own_words()

    def simulate(self, draw: random.Random, sides: Collection[str] = ()) -> Answer:
        keys = self.keys_to_draw()
        return {OTHER: draw.choice(LINES)} if self.other and draw.random() < 0.2 else draw.choice(keys)


def _chosen(value: Answer) -> AnswerCell:
    return OTHER if isinstance(value, Mapping) else plain(value)
