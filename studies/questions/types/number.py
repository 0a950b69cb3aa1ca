"""Answers to enter: numbers, words, yes or no, days."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from studies.protocol.base import Day, Label
from studies.protocol.items.base import Item


class Number(Item):
    """A number."""

    type: Literal["number"]
    """What kind of item it is."""
    min: float | None = None
    """No smaller number is taken."""
    max: float | None = None
    """No larger number is taken."""
    whole: bool = False
    """Only whole numbers are taken."""
    unit: Label | None = None
    """Shown behind the field."""


class ShortText(Item):
    """A line of text."""

    type: Literal["short_text"]
    """What kind of item it is."""
    max_length: Annotated[int, Field(ge=1, le=500)] = 200
    """Characters, at most."""


class LongText(Item):
    """Text of several lines."""

    type: Literal["long_text"]
    """What kind of item it is."""
    max_length: Annotated[int, Field(ge=1, le=20_000)] = 2_000
    """Characters, at most."""


class Switch(Item):
    """Yes or no, with nothing chosen at first."""

    type: Literal["switch"]
    """What kind of item it is."""
    yes: Label | None = None
    """What to call yes."""
    no: Label | None = None
    """What to call no."""
    expect: bool | None = None
    """The right answer, which makes it an attention check."""


class Date(Item):
    """A day."""

    type: Literal["date"]
    """What kind of item it is."""
    min: Day | None = None
    """No earlier day is taken."""
    max: Day | None = None
    """No later day is taken."""
