"""Pages of items, and the moments of a session at which they are asked."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from studies.questions.conditions import When
from studies.questions.fields import Key, Line, Markdown, Strict
from studies.questions.registry import AnyItem

Moment = Literal[
    "eligibility",
    "consent",
    "background",
    "device_check",
    "before_trial",
    "after_trial",
    "after_pair",
    "before_playback",
    "playback",
    "end",
    "debrief",
]
"""In the order of a session. `playback`: once a trial, after all of them."""
MOMENTS: tuple[Moment, ...] = get_args(Moment)
EACH_TRIAL: frozenset[Moment] = frozenset({"before_trial", "after_trial", "playback"})
"""Asked once a trial; `after_pair` once a pair; all others once."""


class Insertion(Strict):
    """Items of some scenarios alone, within a block that all share."""

    insert_after: Key
    """Key of an item of this questionnaire."""
    prompts: Annotated[list[Key], Field(min_length=1)]
    """Asked about these scenarios only."""
    items: Annotated[list[AnyItem], Field(min_length=1)]
    """What is asked there."""


class Questionnaire(Strict):
    """A page of items at one moment."""

    key: Key
    """Its name in the data."""
    at: Moment
    """When it is asked."""
    title: Line | None = None
    """Heading of the page."""
    intro: Markdown | None = None
    """Text above the items, as Markdown."""
    prompts: list[Key] | None = None
    """Asked at conversations or pairs of these scenarios only."""
    study_role: Literal["practice", "analytical"] | None = None
    """Asked at practice or at analytical conversations only."""
    random_order: bool = False
    """Items stand in an order of each participant's own; notices stay where they are, and what is inserted or shown
    by an answer stays behind what it follows."""
    show_if: When | None = None
    """Asked only where this is true."""
    items: Annotated[list[AnyItem], Field(min_length=1)]
    """What is asked, in this order."""
    insertions: list[Insertion] = []
    """Items of some scenarios alone, in between."""

    def all_items(self) -> list[AnyItem]:
        """Its items and, behind each, what is inserted after it."""
        listed: list[AnyItem] = []
        for item in self.items:
            listed.append(item)
            for insertion in self.insertions:
                if insertion.insert_after == item.key:
                    listed.extend(insertion.items)
        return listed
