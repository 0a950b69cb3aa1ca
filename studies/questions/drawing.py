"""An item as its template draws it: its parts, the answer that stands in them, and what was wrong with that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.translation import gettext as _

from studies.design.questions import NO_DIFFERENCE, OTHER
from studies.participant.answering.excerpts import Excerpt
from studies.protocol.items import (
    AnyItem,
    ChoiceOption,
    Date,
    Likert,
    LongText,
    MultipleChoice,
    Notice,
    Number,
    Playback,
    Preference,
    SelfAssessmentManikin,
    SemanticDifferential,
    ShortText,
    SingleChoice,
    Switch,
    VisualAnalogue,
)

ONE_FIELD = (Number, ShortText, LongText, Date, VisualAnalogue)


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to choose: `value` is what the form sends."""

    value: str
    label: str
    id: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a semantic differential."""

    name: str
    low: str
    high: str
    options: list[Option]


@dataclass(frozen=True)
class Question:
    """One item with `value`: what is kept, or what was typed and is not right. `answers` name the sides of a pair."""

    item: AnyItem
    value: Any = None
    error: str = ""
    hidden: bool = False
    excerpt: Excerpt | None = None
    answers: Mapping[str, str] | None = None

    @property
    def key(self) -> str:
        return self.item.key

    @property
    def id(self) -> str:
        """Of its first control, where a link to its error leads."""
        return f"q-{self.item.key}"

    @property
    def template(self) -> str:
        return f"components/questions/{self.item.type}.html"

    @property
    def is_notice(self) -> bool:
        return isinstance(self.item, Notice)

    @property
    def is_one_field(self) -> bool:
        """Whether one label names it, and not the legend of a group."""
        return isinstance(self.item, ONE_FIELD)

    @property
    def is_radio_group(self) -> bool:
        return isinstance(self.item, SingleChoice | Likert | SelfAssessmentManikin | Switch | Preference)

    @property
    def is_required(self) -> bool:
        return not isinstance(self.item, Notice) and self.item.required

    @property
    def described_by(self) -> str:
        """Ids of the lines that belong to it."""
        note = [] if isinstance(self.item, Notice) or not self.item.note else [f"{self.id}-note"]
        return " ".join([*note, *([f"{self.id}-error"] if self.error else [])])

    @cached_property
    def options(self) -> list[Option]:
        """What there is to choose from, “other” apart."""
        match self.item:
            case SingleChoice() | MultipleChoice():
                written = [option for option in self.item.options if isinstance(option, ChoiceOption)]
                return self._options((option.key, option.label) for option in written)
            case Likert() | SelfAssessmentManikin():
                return self._options((str(point), str(point)) for point in range(1, self.item.points + 1))
            case Switch():
                return self._options([("true", self.item.yes or _("Yes")), ("false", self.item.no or _("No"))])
            case Preference():
                listed = list((self.answers or {}).items())
                if self.item.no_difference:
                    listed.insert(1 if len(listed) == 2 else len(listed), (NO_DIFFERENCE, _("No difference")))
                return self._options(listed)
            case _:
                return []

    @cached_property
    def extras(self) -> list[Option]:
        """Answers beside a scale."""
        if not isinstance(self.item, Likert | VisualAnalogue):
            return []
        return self._options(((option.key, option.label) for option in self.item.extra), "extra-")

    @cached_property
    def rows(self) -> list[Row]:
        if not isinstance(self.item, SemanticDifferential):
            return []
        given = self.value if isinstance(self.value, Mapping) else {}
        points = [str(point) for point in range(1, self.item.points + 1)]
        return [
            Row(
                name=f"{self.key}.{row.key}",
                low=row.low,
                high=row.high,
                options=[
                    Option(
                        value=point,
                        label=point,
                        id=self.id if row == self.item.rows[0] and point == "1" else f"{self.id}-{row.key}-{point}",
                        chosen=_as_sent(given.get(row.key)) == point,
                    )
                    for point in points
                ],
            )
            for row in self.item.rows
        ]

    @property
    def other(self) -> Option | None:
        """The answer in one's own words."""
        label = self.item.other if isinstance(self.item, SingleChoice | MultipleChoice) else None
        if label is None:
            return None
        return Option(OTHER, label, f"{self.id}-other", any(isinstance(part, Mapping) for part in self._parts))

    @property
    def other_words(self) -> str:
        return next((str(part.get(OTHER, "")) for part in self._parts if isinstance(part, Mapping)), "")

    @property
    def text(self) -> str:
        """What stands in its one field."""
        if isinstance(self.item, VisualAnalogue) and self.value in [option.key for option in self.item.extra]:
            return ""
        return _as_sent(self.value)

    @property
    def plays(self) -> int:
        return int(self.value["plays"]) if isinstance(self.item, Playback) and self.value else 0

    @property
    def listened_sec(self) -> float:
        return float(self.value["listened_sec"]) if isinstance(self.item, Playback) and self.value else 0

    @property
    def _parts(self) -> Sequence[Any]:
        return self.value if isinstance(self.value, list) else [self.value]

    def _options(self, listed: Iterable[tuple[str, str]], prefix: str = "") -> list[Option]:
        chosen = {_as_sent(part) for part in self._parts if not isinstance(part, Mapping)}
        return [
            Option(value, label, f"{self.id}-{prefix}{value}" if index or prefix else self.id, value in chosen)
            for index, (value, label) in enumerate(listed)
        ]


def _as_sent(value: Any) -> str:
    """A value as a form sends it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value)
