"""Plans the trials of a session: which prompt under which condition, when, and on which blinded side.

An *arm* is a group and a row of the counterbalancing together: the order of the pairs, cells or prompts, with which
condition of each pair comes first, or which condition each prompt is assigned. Over all arms of a group each of these
stands equally often at each place; in a Williams order each also follows each other equally often. Arms are given out
in blocks that contain every arm once (see `studies.design.arms`).
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from studies.design.arms import group_and_digits
from studies.design.orders import latin
from studies.design.talks import Talk, talks
from studies.protocol.schema import Protocol

SIDES = "ABCDEF"


@dataclass(frozen=True, slots=True)
class PlannedTrial:
    """One prompt under one condition, by their keys. Trials of one `pair` number are compared, each under its blind
    label `side`; `block` grows where there is a pause; `repetition` counts how often the cell came before."""

    position: int
    prompt: str
    condition: str
    pair: int | None = None
    side: str = ""
    practice: bool = False
    block: int = 0
    repetition: int = 0


def plan_trials(protocol: Protocol, arm: int, seed: int) -> tuple[PlannedTrial, ...]:
    """The trials of one session, in order, practice first; empty for an explore study. The same arguments give the
    same plan.

    `arm` decides what is balanced over people. `seed` decides the rest: the order where that is random, and the sides,
    as many first talks of pairs being A as not (of two; rounded by chance). Raises ValueError for an arm there is not,
    and for a square there is not."""
    if protocol.kind == "explore":
        return ()
    group, digits = group_and_digits(protocol, arm)
    replaced = group.replace if group is not None else {}
    order = talks(protocol, digits, random.Random(f"{seed}:order"))  # noqa: S311  balance, not secrecy
    pairs = [talk.pair for talk in order] if protocol.design.cells == "pairs" else _pair_numbers(protocol, order)
    drawn = protocol.comparison.random_order
    sides, blocks = _sides(pairs, seed, drawn), _pauses(protocol, pairs)
    seen: Counter[tuple[str, str]] = Counter()
    trials = [
        PlannedTrial(position, cell.prompt, replaced.get(cell.condition, cell.condition), practice=True)
        for position, cell in enumerate(protocol.practice)
    ]
    for talk, pair, side, block in zip(order, pairs, sides, blocks, strict=True):
        condition = replaced.get(talk.condition, talk.condition)
        before = seen[talk.prompt, condition]
        trials.append(PlannedTrial(len(trials), talk.prompt, condition, pair, side, block=block, repetition=before))
        seen[talk.prompt, condition] += 1
    return tuple(trials)


def _pair_numbers(protocol: Protocol, order: Sequence[Talk]) -> list[int | None]:
    """Which of the talks, wherever they stand, make a pair: its number, or None for a talk that is not compared.

    A cell that comes more than once belongs to the pairs that name it in turn, then to their next repetition."""
    named: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for index, pair in enumerate(protocol.pairs):
        for condition in pair.conditions:
            named[pair.prompt, condition].append(index)
    seen: Counter[tuple[str, str]] = Counter()
    numbers: list[int | None] = []
    for talk in order:
        cell = talk.prompt, talk.condition
        if named[cell]:
            repetition, turn = divmod(seen[cell], len(named[cell]))
            numbers.append(named[cell][turn] + repetition * len(protocol.pairs))
        else:
            numbers.append(None)
        seen[cell] += 1
    members = Counter(numbers)

    def is_whole(number: int) -> bool:
        return members[number] == len(protocol.pairs[number % len(protocol.pairs)].conditions)

    return [number if number is not None and is_whole(number) else None for number in numbers]


def _sides(pairs: Sequence[int | None], seed: int, drawn: bool) -> list[str]:
    """The blind label of each talk. Of the pairs of one size, each label comes first in as many as any other; where
    labels are not `drawn`, they follow the order of the talks."""
    draw = random.Random(f"{seed}:sides")  # noqa: S311  balance, not secrecy
    sizes = Counter(number for number in pairs if number is not None)
    labels: dict[int, list[str]] = {}
    for size in sorted(set(sizes.values())):
        numbers = [number for number, members in sizes.items() if members == size]
        names = draw.sample(SIDES[:size], size)
        rows = [[names[index] for index in row] for row in latin(size)]
        draw.shuffle(numbers)
        if not drawn:
            rows = [list(SIDES[:size])] * size
        labels.update({number: list(rows[turn % size]) for turn, number in enumerate(numbers)})
    return ["" if number is None else labels[number].pop(0) for number in pairs]


def _pauses(protocol: Protocol, pairs: Sequence[int | None]) -> list[int]:
    """How many pauses there were before each talk. Talks of a pair that follow each other by design are not parted."""
    every, together = protocol.design.break_every, protocol.design.cells == "pairs"
    blocks: list[int] = []
    block = since = 0
    for index, pair in enumerate(pairs):
        if every is not None and since >= every and not (together and pair == pairs[index - 1]):
            block, since = block + 1, 0
        blocks.append(block)
        since += 1
    return blocks
