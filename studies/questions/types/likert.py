"""Scales: answers that are numbers between two ends."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from studies.protocol.base import Key, Label, Line, Strict
from studies.protocol.items.base import Item
from studies.protocol.items.choices import ChoiceOption


class Likert(Item):
    """A scale from 1 to `points` with words at both ends."""

    type: Literal["likert"]
    """What kind of item it is."""
    low: Line
    """Words at 1."""
    high: Line
    """Words at the other end."""
    points: Annotated[int, Field(ge=2, le=11)] = 7
    """How many steps there are."""
    extra: list[ChoiceOption] = []
    """Answers beside the scale, such as “Prefer not to answer”."""
    reverse: bool = False
    """The score is `points` + 1 - the answer."""
    expect: int | None = None
    """The right answer, which makes it an attention check."""


class VisualAnalogue(Item):
    """A line from 0 to 100 with no mark on it until the participant sets one."""

    type: Literal["visual_analogue"]
    """What kind of item it is."""
    low: Line
    """Words at 0."""
    high: Line
    """Words at 100."""
    extra: list[ChoiceOption] = []
    """Answers beside the line, such as “Prefer not to answer”."""
    reverse: bool = False
    """The score is 100 - the answer."""


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

    type: Literal["semantic_differential"]
    """What kind of item it is."""
    rows: Annotated[list[Poles], Field(min_length=1, max_length=20)]
    """The opposites."""
    points: Annotated[int, Field(ge=3, le=11)] = 7
    """How many steps there are between them."""
    random_order: bool = False
    """The rows stand in an order of each participant's own."""


class SelfAssessmentManikin(Item):
    """Pictures from low to high on one dimension of feeling (Bradley & Lang 1994)."""

    type: Literal["self_assessment_manikin"]
    """What kind of item it is."""
    dimension: Literal["valence", "arousal", "dominance"]
    """Which feeling the pictures are of."""
    points: Literal[5, 9] = 9
    """How many steps there are."""
    reverse: bool = False
    """The score is `points` + 1 - the answer."""
