"""Plans the trials of a session: which prompt under which condition, when, and on which blinded side.

An *arm* is one row of the counterbalancing: the order of the pairs (a row of a Williams square) together with which
condition of each pair comes first. Over all arms each pair stands equally often at each place, each follows each other
equally often, and each condition of a pair comes first equally often at each place. Arms are given out in blocks that
contain every arm once, so that the groups never differ by more than one session within a block.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from studies.design.squares import williams
from studies.protocol.schema import Protocol

SIDES = ("A", "B")


@dataclass(frozen=True, slots=True)
class PlannedTrial:
    """One prompt under one condition, by their keys. `pair` is the index in the protocol; `side` the blind label."""

    position: int
    prompt: str
    condition: str
    pair: int
    side: str


def arm_count(protocol: Protocol) -> int:
    """How many arms there are; 1 for a study without a plan (explore)."""
    return 2 * len(williams(len(protocol.pairs))) if protocol.pairs else 1


def plan_trials(protocol: Protocol, arm: int, seed: int) -> tuple[PlannedTrial, ...]:
    """The trials of one session, in order; empty for an explore study. The same arguments give the same plan.

    `seed` alone decides the sides, half of the pairs (rounded by chance) having the first talk as A."""
    if not protocol.pairs:
        return ()
    square = williams(len(protocol.pairs))
    if not 0 <= arm < 2 * len(square):
        raise ValueError(f"arm {arm} of a study with {2 * len(square)} arms")
    order, flipped = square[arm // 2], arm % 2
    trials: list[PlannedTrial] = []
    for place, (pair, first_is_b) in enumerate(zip(order, _sides(len(order), seed), strict=True)):
        chosen = protocol.pairs[pair]
        conditions = chosen.conditions[::-1] if (place + flipped) % 2 else chosen.conditions
        sides = SIDES[::-1] if first_is_b else SIDES
        for condition, side in zip(conditions, sides, strict=True):
            trials.append(PlannedTrial(len(trials), chosen.prompt, condition, pair, side))
    return tuple(trials)


def block_of_arms(arms: int, block: int, key: str) -> tuple[int, ...]:
    """Every arm once, in an order that depends on `block` and `key` (the version's hash) alone."""
    order = list(range(arms))
    random.Random(f"{key}:{block}").shuffle(order)  # noqa: S311  balance, not secrecy
    return tuple(order)


def _sides(pairs: int, seed: int) -> list[bool]:
    """For each pair whether its first talk is called B: as many as not, in random order."""
    draw = random.Random(seed)  # noqa: S311  balance, not secrecy
    start = draw.getrandbits(1)
    flips = [bool((index + start) % 2) for index in range(pairs)]
    draw.shuffle(flips)
    return flips
