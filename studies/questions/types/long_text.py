"""Several lines of text to write."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from studies.questions.answer import TEXTS, Answer
from studies.questions.conditions import Answers
from studies.questions.question import Drawn, Item, Study
from studies.questions.reading import read_text


class LongText(Item):
    """Text of several lines."""

    order: ClassVar = 100
    frame: ClassVar = "field"
    is_written: ClassVar = True

    type: Literal["long_text"]
    """What kind of item it is."""
    max_length: Annotated[int, Field(ge=1, le=20_000)] = 2_000
    """Characters, at most."""

    def possible(self, study: Study) -> Answers:
        return Answers(text=True)

    def read(self, value: object, sides: Collection[str]) -> Answer:
        """A text."""
        return read_text(value, self.max_length)

    def simulate(self, draw: random.Random, sides: Collection[str] = ()) -> Answer:
        return draw.choice(TEXTS)[: self.max_length].strip()

    def parts(self, drawn: Drawn) -> Mapping[str, Any]:
        return {"text": drawn.text}
