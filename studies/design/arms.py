"""Arms: a group and a row of the counterbalancing together, who may get which, and in which order they are given out.

Arm numbers run through the rows of the first group, then through those of the second, and so on."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Mapping, Sequence
from math import lcm, prod
from typing import Any, Final

from studies.design.talks import shape
from studies.protocol.counterbalancing import Group
from studies.protocol.schema import Protocol
from studies.questions.conditions import OTHER, Rule, When, is_answered, is_true

MOST_ROWS: Final = 2_000
"""Beyond this, rows are not every combination of digits. All digits go round together instead: every order of the
pairs comes equally often, and so does every first condition, but not every order with every first condition."""
MAX_STRATUM_CHARACTERS: Final = 200


def arm_count(protocol: Protocol) -> int:
    """Returns the number of arms, or 1 for an explore study. Raises ValueError if no such square exists."""
    return max(1, len(protocol.allocation.groups)) * _row_count(shape(protocol))


def group_and_digits(protocol: Protocol, arm: int) -> tuple[Group | None, tuple[int, ...]]:
    """The group of an arm (None in a study without groups), and what its row says (see `studies.design.talks`), the
    last digit changing fastest. Raises ValueError for an arm there is not."""
    counts, groups = shape(protocol), protocol.allocation.groups
    rows = _row_count(counts)
    if not 0 <= arm < max(1, len(groups)) * rows:
        raise ValueError(f"arm {arm} of a study with {max(1, len(groups)) * rows} arms")
    return groups[arm // rows] if groups else None, _digits(counts, arm % rows)


def group_of(protocol: Protocol, arm: int) -> str:
    """The key of the group of an arm; empty in a study without groups. Raises ValueError for an arm there is not."""
    group, _ = group_and_digits(protocol, arm)
    return group.key if group is not None else ""


def stand_in(protocol: Protocol, group: str, condition: str) -> str:
    """Returns the condition that replaces one of the design in a group (by its key), or the same condition."""
    replaced = next((each.replace for each in protocol.allocation.groups if each.key == group), {})
    return replaced.get(condition, condition)


def arms_for(protocol: Protocol, answers: Mapping[str, Any]) -> tuple[str, list[int]]:
    """(stratum, arms) of a person with these answers (by item): within a stratum the arms are balanced.

    An answer to `allocation.by` that groups name leads to the arms of these groups alone, any other to all of them.
    The stratum says the answers to `allocation.strata`, and which groups: `gender=woman;age=18-25;group=higher`. What
    would make it longer than 200 characters stands as a hash."""
    allocation = protocol.allocation
    parts = [f"{item}={level(answers.get(item))}" for item in allocation.strata]
    chosen = list(range(max(1, len(allocation.groups))))
    if allocation.by is not None and allocation.groups:
        named = [
            index
            for index, group in enumerate(allocation.groups)
            if is_true(When(all=[Rule(item=allocation.by, one_of=group.for_answers)]), answers)
        ]
        parts.append("group=" + ("+".join(allocation.groups[index].key for index in named) or "any"))
        chosen = named or chosen
    rows = _row_count(shape(protocol))
    return _bounded(";".join(parts)), [index * rows + row for index in chosen for row in range(rows)]


def level(value: Any) -> str:
    """An answer as part of a stratum. An answer in somebody's own words is “other”, whatever they are."""
    if not is_answered(value):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "+".join(sorted(map(level, value)))
    if isinstance(value, Mapping):
        return OTHER if OTHER in value else ",".join(f"{key}:{value[key]}" for key in sorted(value))
    return str(value)


def block_of_arms(protocol: Protocol, arms: Sequence[int], block: int, key: str) -> tuple[int, ...]:
    """All of `arms` (whole groups, see `arms_for`) once, in an order that depends on `block` and `key` alone.

    The order is drawn, but so that each beginning of a block is as even as can be: as many places as there are groups
    have each group once, and as many in each group as there are values of a digit have about each value once. A study
    that stops within a block is little off balance for it."""
    draw = random.Random(f"{key}:{block}")  # noqa: S311  balance, not secrecy
    counts = shape(protocol)
    rows = _row_count(counts)
    groups = sorted({arm // rows for arm in arms})
    queues = {group: iter(_spread_rows(counts, draw)) for group in groups}
    order: list[int] = []
    for _ in range(rows):
        for group in draw.sample(groups, len(groups)):
            order.append(group * rows + next(queues[group]))
    return tuple(order)


def _digits(counts: Sequence[int], row: int) -> tuple[int, ...]:
    if prod(counts) > MOST_ROWS:
        return tuple(row % count for count in counts)
    digits: list[int] = []
    for count in reversed(counts):
        row, digit = divmod(row, count)
        digits.append(digit)
    return tuple(reversed(digits))


def _row_count(counts: Sequence[int]) -> int:
    return prod(counts) if prod(counts) <= MOST_ROWS else lcm(*counts)


def _spread_rows(counts: Sequence[int], draw: random.Random) -> list[int]:
    """Returns every row once, cycling through the values of each digit, with randomly drawn labels for the values."""
    if prod(counts) > MOST_ROWS:
        start = draw.randrange(lcm(*counts))
        return [(start + row) % lcm(*counts) for row in range(lcm(*counts))]
    names = [draw.sample(range(count), count) for count in counts]
    rows = []
    for values in _in_turn(counts):
        row = 0
        for count, name, value in zip(counts, names, values, strict=True):
            row = row * count + name[value]
        rows.append(row)
    run = min((count for count in counts if count > 1), default=1)
    parts = [rows[start : start + run] for start in range(0, len(rows), run)]
    return [row for part in parts for row in draw.sample(part, len(part))]


def _in_turn(counts: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Every combination of digits once, all digits going round at the same time: after each common round of two of
    them the second is moved on by one."""
    if not counts:
        yield ()
        return
    *others, last = counts
    head = list(_in_turn(others))
    common = lcm(len(head), last)
    for index in range(len(head) * last):
        yield (*head[index % len(head)], (index + index // common) % last)


def _bounded(stratum: str) -> str:
    if len(stratum) <= MAX_STRATUM_CHARACTERS:
        return stratum
    digest = hashlib.sha256(stratum.encode()).hexdigest()[:16]
    return f"{stratum[: MAX_STRATUM_CHARACTERS - len(digest) - 1]}#{digest}"
