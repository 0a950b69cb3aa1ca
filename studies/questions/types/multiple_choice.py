"""Any number of several answers."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from django.core.exceptions import ValidationError
from django.utils.translation import ngettext
from pydantic import Field

from studies.questions.answer import LINES, Answer, AnswerCell, AnswerColumn
from studies.questions.conditions import OTHER
from studies.questions.options import Choices, parts_of
from studies.questions.question import Fault, Occasion, Study
from studies.questions.reading import refuse
from studies.questions.recordings import Excerpt


class MultipleChoice(Choices):
    """Any number of several."""

    order: ClassVar = 30
    has_several: ClassVar = True

    type: Literal["multiple_choice"]
    """What kind of item it is."""
    min_choices: Annotated[int, Field(ge=0)] = 0
    """So many must be chosen."""
    max_choices: Annotated[int, Field(ge=1)] | None = None
    """No more may be chosen."""

    def faults(self, study: Study, occasion: Occasion) -> Iterator[Fault]:
        yield from super().faults(study, occasion)
        keys = self._keys(study)
        most = len(keys) + (self.other is not None)
        for name, given in (("min_choices", self.min_choices), ("max_choices", self.max_choices)):
            if keys and given is not None and given > most:
                yield Fault((name,), f"is {given}, but there are {most} options to choose from")
        if self.max_choices is not None and self.min_choices > self.max_choices:
            message = f"is {self.min_choices}, above max_choices, {self.max_choices}; nobody could answer"
            yield Fault(("min_choices",), message)

    def read(self, value: object, sides: Collection[str]) -> Answer:
        """A list of keys in the order of the options, at its end {"other": words} where it was given."""
        if not isinstance(value, list):
            refuse()
        given = [self.read_option(part) for part in value]
        own = [part for part in given if isinstance(part, Mapping)]
        keys = [option.key for option in self.written if option.key in given]
        most = self.max_choices
        if most is not None and len(keys) + len(own[:1]) > most:
            text = ngettext(
                "Please choose no more than %(n)s answer.", "Please choose no more than %(n)s answers.", most
            )
            raise ValidationError(text % {"n": most})
        return [*keys, *own[:1]]

    def check_complete(self, value: Answer, excerpt: Excerpt | None = None) -> None:
        super().check_complete(value, excerpt)
        if value is not None and len(parts_of(value)) < self.min_choices:
            least = self.min_choices
            text = ngettext("Please choose at least %(n)s answer.", "Please choose at least %(n)s answers.", least)
            raise ValidationError(text % {"n": least})

    def columns(self) -> Iterator[AnswerColumn]:
        for option in self.written:
            about = f"{self.asked}: “{option.label}” was chosen"
            yield AnswerColumn(f"_{option.key}", "boolean", about, _includes(option.key))
        yield from self.own_words()

    def simulate(self, draw: random.Random, sides: Collection[str] = ()) -> Answer:
        keys = self.keys_to_draw()
        fewest = max(self.min_choices, 1)
        most = max(fewest, min(len(keys), self.max_choices or len(keys)))
        chosen = set(draw.sample(keys, draw.randint(fewest, most)))
        own = self.other is not None and len(chosen) < (self.max_choices or len(keys) + 1) and draw.random() < 0.2
        return [*(key for key in keys if key in chosen), *([{OTHER: draw.choice(LINES)}] if own else [])]


def _includes(option: str) -> Callable[[Answer], AnswerCell]:
    return lambda value: option in value if isinstance(value, list) and value else None
