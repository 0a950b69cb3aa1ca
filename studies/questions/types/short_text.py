"""A line of text to write."""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from studies.questions.answer import TEXTS, Answer
from studies.questions.conditions import Answers
from studies.questions.question import Drawn, Item, Study
from studies.questions.reading import read_text


class ShortText(Item):
    """A line of text."""

    order: ClassVar = 90
    frame: ClassVar = "field"
    is_written: ClassVar = True

    type: Literal["short_text"]
    """What kind of item it is."""
    max_length: Annotated[int, Field(ge=1, le=500)] = 200
    """Characters, at most."""

    def possible(self, study: Study) -> Answers:
        return Answers(text=True)

    def read(self, value: object, sides: Collection[str]) -> Answer:
        """A text without line ends."""
        return " ".join(read_text(value, self.max_length).splitlines())

    def simulate(self, draw: random.Random, sides: Collection[str] = ()) -> Answer:
        return draw.choice([text for text in TEXTS if "\n" not in text])[: self.max_length].strip()

    def parts(self, drawn: Drawn) -> Mapping[str, Any]:
        return {"text": drawn.text}
