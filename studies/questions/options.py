"""Answers to choose from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from studies.protocol.base import Key, Line, Strict
from studies.protocol.items.base import Item


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


class SingleChoice(Choices):
    """One of several."""

    type: Literal["single_choice"]
    """What kind of item it is."""
    expect: Key | None = None
    """The right answer, which makes it an attention check."""


class MultipleChoice(Choices):
    """Any number of several."""

    type: Literal["multiple_choice"]
    """What kind of item it is."""
    min_choices: Annotated[int, Field(ge=0)] = 0
    """So many must be chosen."""
    max_choices: Annotated[int, Field(ge=1)] | None = None
    """No more may be chosen."""
