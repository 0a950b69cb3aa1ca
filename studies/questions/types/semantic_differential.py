"""Opposites with steps between them."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from pydantic import Field

from studies.questions.answer import Answer, AnswerCell, AnswerColumn, Score, plain
from studies.questions.conditions import Answers, is_answered
from studies.questions.fields import Key, Label, Strict
from studies.questions.question import Drawn, Item, Option, in_field
from studies.questions.reading import refuse
from studies.questions.recordings import Excerpt
from studies.questions.scales import read_point, score_meaning, score_of


class Poles(Strict):
    """One row of a semantic differential."""

    key: Key
    """Its name in the data."""
    low: Label
    """Word at 1."""
    high: Label
    """Word at the other end."""
    reverse: bool = False
    """The score is `points` + 1 - the answer."""


class SemanticDifferential(Item):
    """Opposites with `points` steps between them (Osgood et al. 1957). The answer has a number for each row."""

    order: ClassVar = 60

    type: Literal["semantic_differential"]
    """What kind of item it is."""
    rows: Annotated[list[Poles], Field(min_length=1, max_length=20)]
    """The opposites."""
    points: Annotated[int, Field(ge=3, le=11)] = 7
    """How many steps there are between them."""
    random_order: bool = False
    """The rows stand in an order of each participant's own."""

    @property
    def row_keys(self) -> list[str]:
        return [row.key for row in self.rows]

    def key_lists(self) -> Mapping[str, list[str]]:
        return {"rows": self.row_keys}

    def possible_in_row(self) -> Answers:
        return Answers((), 1, self.points, whole=True)

    def written_out(self, scenarios: Mapping[str, str], draw: random.Random | None = None) -> Self:
        if draw is None or not self.random_order:
            return self
        return self.model_copy(update={"rows": draw.sample(self.rows, len(self.rows))})

    def read(self, value: object, sides: Collection[str]) -> Answer:
        """{row: point}, of all rows or of some."""
        if not isinstance(value, Mapping) or not set(value) <= set(self.row_keys):
            refuse()
        return {row: read_point(value[row], self.points) for row in self.row_keys if is_answered(value.get(row))}

    def check_complete(self, value: Answer, excerpt: Excerpt | None = None) -> None:
        super().check_complete(value, excerpt)
        if isinstance(value, Mapping) and self.required and len(value) < len(self.rows):
            raise ValidationError(_("Please choose an answer in every row."))

    def score(self, value: object) -> Score:
        return {row.key: self._row_score(row, value) for row in self.rows}

    def columns(self) -> Iterator[AnswerColumn]:
        for row in self.rows:
            about = f"{self.asked} (1 = {row.low}, {self.points} = {row.high})"
            yield AnswerColumn(f"_{row.key}", "integer", about, _of_row(row.key))
            if row.reverse:
                yield AnswerColumn(
                    f"_{row.key}_score", "integer", score_meaning(about, reverse=True), self._score_column(row)
                )

    def simulate(self, draw: random.Random, sides: Collection[str] = ()) -> Answer:
        return {row.key: draw.randint(1, self.points) for row in self.rows}

    def parts(self, drawn: Drawn) -> Mapping[str, Any]:
        given = drawn.value if isinstance(drawn.value, Mapping) else {}
        points = [str(point) for point in range(1, self.points + 1)]
        rows = []
        for index, row in enumerate(self.rows):
            kept = in_field(given.get(row.key))
            first = drawn.id if index == 0 else f"{drawn.id}-{row.key}-{points[0]}"
            ids = [first, *(f"{drawn.id}-{row.key}-{point}" for point in points[1:])]
            options = [Option(point, point, id_, kept == point) for point, id_ in zip(points, ids, strict=True)]
            rows.append({"name": f"{self.key}.{row.key}", "low": row.low, "high": row.high, "options": options})
        return {"rows": rows}

    def _score_column(self, row: Poles) -> Callable[[Answer], AnswerCell]:
        return lambda value: self._row_score(row, value)

    def _row_score(self, row: Poles, value: object) -> float | None:
        given = value.get(row.key) if isinstance(value, Mapping) else None
        return score_of(given, both_ends=self.points + 1, reverse=row.reverse)


def _of_row(row: str) -> Callable[[Answer], AnswerCell]:
    return lambda value: plain(value.get(row)) if isinstance(value, Mapping) else None
