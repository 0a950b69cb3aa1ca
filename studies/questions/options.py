"""Answers to choose from."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Literal, Self

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from studies.questions.answer import Answer, AnswerCell, AnswerColumn, plain
from studies.questions.conditions import OTHER, Answers
from studies.questions.fields import Key, Line, Strict
from studies.questions.question import Drawn, Fault, Item, Occasion, Option, Question, Study
from studies.questions.reading import read_one_of, read_text
from studies.questions.recordings import Excerpt

OTHER_MAX_LENGTH: Final = 500


class ChoiceOption(Strict):
    """One answer to choose."""

    key: Key
    """The answer in the data."""
    label: Line
    """The answer as it is shown."""


class Choices(Item):
    """What single and multiple choice share."""

    options: list[ChoiceOption] | Literal["scenarios"]
    """Written out, or the study's analytical prompts by their titles (`scenarios`)."""
    other: Line | None = None
    """Adds an answer in one's own words, with this label. Rules call it `other`."""
    random_order: bool = False
    """The options stand in an order of each participant's own."""

    @property
    def written(self) -> list[ChoiceOption]:
        """The options; none where they are the study's scenarios and not written out."""
        return [] if self.options == "scenarios" else self.options

    def faults(self, study: Study, occasion: Occasion) -> Iterator[Fault]:
        keys = self._keys(study)
        if self.options == "scenarios" and len(keys) < 2:
            there = f"are the study's scenarios, of which there are {len(keys)}; expected at least 2 analytical prompts"
            yield Fault(("options",), there)
        elif not keys:
            yield Fault(("options",), "is empty; list at least one")
        if self.other is not None and OTHER in keys:
            where = () if self.options == "scenarios" else ("options", keys.index(OTHER), "key")
            yield Fault(where, f"{OTHER!r} stands for an answer in one's own words; choose another key")

    def key_lists(self) -> Mapping[str, list[str]]:
        return {} if self.options == "scenarios" else {"options": [option.key for option in self.options]}

    def possible(self, study: Study) -> Answers:
        return Answers((*self._keys(study), *((OTHER,) if self.other is not None else ())))

    def written_out(self, scenarios: Mapping[str, str], draw: random.Random | None = None) -> Self:
        options = self.written
        if self.options == "scenarios":
            options = [ChoiceOption(key=key, label=title) for key, title in scenarios.items()]
        if draw is not None and self.random_order:
            options = draw.sample(options, len(options))
        return self.model_copy(update={"options": options})

    def joined_with(self, forms: Iterable[Question]) -> Self:
        """With the options of all versions. An option that several have is called as in the newest."""
        options = {option.key: option for form in forms if isinstance(form, Choices) for option in form.written}
        return self.model_copy(update={"options": list(options.values())})

    def check_complete(self, value: Answer, excerpt: Excerpt | None = None) -> None:
        super().check_complete(value, excerpt)
        if any(isinstance(part, Mapping) and not part[OTHER] for part in parts_of(value)):
            raise ValidationError(_("Please answer in your own words, or choose another answer."))

    def read_option(self, value: object) -> str | dict[str, str]:
        """The key of an option, or an answer in one's own words. Raises ValidationError."""
        if self.other is not None and isinstance(value, Mapping) and set(value) == {OTHER}:
            return {OTHER: read_text(value[OTHER], OTHER_MAX_LENGTH)}
        return read_one_of({option.key: option.key for option in self.written}, value)

    def own_words(self) -> Iterator[AnswerColumn]:
        if self.other is not None:
            yield AnswerColumn(f"_{OTHER}", "text", f"{self.asked}, in the participant's words", _words)

    def keys_to_draw(self) -> list[str]:
        if self.options == "scenarios":
            raise ValueError(f"the options of {self.key} are not written out")
        return [option.key for option in self.written]

    def parts(self, drawn: Drawn) -> Mapping[str, Any]:
        own = [part for part in drawn.values if isinstance(part, Mapping)]
        other = Option(OTHER, self.other, f"{drawn.id}-other", bool(own)) if self.other is not None else None
        return {
            "options": drawn.options((option.key, option.label) for option in self.written),
            "other": other,
            "other_words": str(own[0].get(OTHER, "")) if own else "",
        }

    def _keys(self, study: Study) -> list[str]:
        return list(study.scenarios) if self.options == "scenarios" else [option.key for option in self.options]


def parts_of(value: Answer) -> Sequence[object]:
    return value if isinstance(value, list) else [value]


def named(options: Sequence[ChoiceOption]) -> str:
    """The levels of a column: each key with its label."""
    return ", ".join(f"{option.key} = {option.label}" for option in options)


def _words(value: Answer) -> AnswerCell:
    return next((plain(part.get(OTHER)) for part in parts_of(value) if isinstance(part, Mapping)), None)
