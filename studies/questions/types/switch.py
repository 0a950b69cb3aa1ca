"""Yes or no."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping
from typing import Any, ClassVar, Literal

from django.utils.translation import gettext as _

from studies.questions.answer import Answer, AnswerColumn, plain
from studies.questions.conditions import Answers
from studies.questions.fields import Label
from studies.questions.question import Drawn, Item, Study
from studies.questions.reading import read_one_of


class Switch(Item):
    """Yes or no, with nothing chosen at first."""

    order: ClassVar = 110
    frame: ClassVar = "radiogroup"

    type: Literal["switch"]
    """What kind of item it is."""
    yes: Label | None = None
    """What to call yes."""
    no: Label | None = None
    """What to call no."""
    expect: bool | None = None
    """The right answer, which makes it an attention check."""

    @property
    def expected(self) -> bool | None:
        return self.expect

    def possible(self, study: Study) -> Answers:
        return Answers((True, False))

    def read(self, value: object, sides: Collection[str]) -> Answer:
        """True or false."""
        return read_one_of({"true": True, "false": False}, value)

    def columns(self) -> Iterator[AnswerColumn]:
        levels = f"true = {self.yes or 'Yes'}, false = {self.no or 'No'}"
        yield AnswerColumn("", "boolean", f"{self.asked} ({levels})", plain)

    def simulate(self, draw: random.Random, sides: Collection[str] = ()) -> Answer:
        return draw.random() < 0.5

    def parts(self, drawn: Drawn) -> Mapping[str, Any]:
        return {"options": drawn.options([("true", self.yes or _("Yes")), ("false", self.no or _("No"))])}
