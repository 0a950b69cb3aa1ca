"""Who gets which cells, in which order, and how people are spread over the orders."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from studies.questions.conditions import Value, When
from studies.questions.fields import Day, Key, Strict


class Cell(Strict):
    """One prompt under one condition."""

    prompt: Key
    """What is talked about."""
    condition: Key
    """Under which condition."""


class Variant(Strict):
    """One written-out order: every trial of a participant who gets it."""

    key: Key
    """Its name."""
    trials: Annotated[list[Cell], Field(min_length=1)]
    """Every conversation, in order."""


class Block(Strict):
    """Talks that stay together, by what they are about or under which condition they are held."""

    key: Key
    """Its name."""
    prompts: list[Key] = []
    """Talks about these prompts; about any when left out."""
    conditions: list[Key] = []
    """Talks under these conditions (as the design has them); under any when left out."""

    def holds(self, prompt: str, condition: str) -> bool:
        """Whether it is the block of this conversation."""
        return (not self.prompts or prompt in self.prompts) and (not self.conditions or condition in self.conditions)


Order = Literal["williams", "latin", "random", "fixed"]


class Design(Strict):
    """Which trials there are, and their order."""

    cells: Literal["pairs", "crossed", "assigned", "variants"] = "pairs"
    """`pairs`: those of `pairs`, with the conversations of a pair in a row; `crossed`: every analytical prompt under
    every condition (but those that only stand in for another in some group); `assigned`: every analytical prompt once,
    its condition by a Latin square; `variants`: as written out."""
    order: Literal["williams", "latin", "graeco_latin", "random", "fixed"] = "williams"
    """Of the pairs, cells or prompts over participants. `graeco_latin` balances prompts, conditions and positions
    jointly, and belongs to `assigned`. Of `pairs`, which condition comes first is balanced whatever the order; of
    crossed cells that are compared, by a square."""
    block_by: Literal["prompt", "condition"] | None = None
    """What shares a prompt or a condition stays together in a block."""
    blocks: list[Block] = []
    """The blocks, where neither every prompt nor every condition makes its own: each conversation is in one."""
    block_order: Order | None = None
    """Of the blocks over participants; as `order`, which is that within each block, when left out."""
    repetitions: Annotated[int, Field(ge=1, le=20)] = 1
    """How often each participant gets every cell."""
    variants: list[Variant] = []
    """The orders of cells: variants."""
    break_every: Annotated[int, Field(ge=1)] | None = None
    """A pause after so many analytical conversations (of pairs: after the pair)."""


class Group(Strict):
    """A level between participants: those in it get other conditions than those written in the design."""

    key: Key
    """Its name in the data."""
    for_answers: list[Value] = []
    """Answers to the item `by` that lead here. Answers that no group names are spread over all."""
    replace: dict[Key, Key] = Field(default_factory=dict)
    """Condition of the design: the one that stands in for it."""


class Allocation(Strict):
    """How people are spread over arms (a group and a row of the counterbalancing together)."""

    method: Literal["blocks", "minimisation", "random"] = "blocks"
    """`blocks`: every arm once in each block, blocks apart for each stratum; `minimisation` (Pocock & Simon 1975):
    the group that makes the `strata` most alike, then the row of it that does; `random`: drawn."""
    strata: list[Key] = []
    """Items, answered before the first conversation, in whose answers the arms are balanced."""
    by: Key | None = None
    """An item, answered before the first conversation, whose answer leads to a group."""
    groups: list[Group] = []
    """Levels between participants."""
    probability: Annotated[float, Field(ge=0.5, le=1)] = 0.8
    """Of the best group, and of the best row in it, under minimisation; that of each arm is kept."""
    lease_min: Annotated[int, Field(ge=5, le=100_000)] = 120
    """A place is given up when its session was not seen for so long."""


class Quota(Strict):
    """At most so many people of a kind; those who come later are told that enough have taken part."""

    key: Key
    """Its name."""
    max: Annotated[int, Field(ge=0)]
    """So many people."""
    when: When = When()
    """Of whom this is true; of all when left out."""


class Stopping(Strict):
    """When no new people are let in any more."""

    completed: Annotated[int, Field(ge=1)] | None = None
    """After so many usable sessions."""
    until: Day | None = None
    """After this day."""
