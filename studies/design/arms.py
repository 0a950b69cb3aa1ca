"""Arms, which combine a group and a row of the counterbalancing: which ones a participant can get, and in which order
they are allocated.

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
"""With more combinations than this, the rows do not cover all of them. Instead all digits advance together from row to
row: every order of the pairs occurs equally often, and so does every first condition, but not each combination of the
two."""
MAX_STRATUM_CHARACTERS: Final = 200


def arm_count(protocol: Protocol) -> int:
    """Returns the number of arms, or 1 for an explore study. Raises ValueError if no such square exists."""
    return max(1, len(protocol.allocation.groups)) * _row_count(shape(protocol))


def group_and_digits(protocol: Protocol, arm: int) -> tuple[Group | None, tuple[int, ...]]:
    """Returns the group of an arm (None in a study without groups) and the digits of its row (see
    `studies.design.talks`), of which the last changes fastest. Raises ValueError if there is no such arm."""
    counts, groups = shape(protocol), protocol.allocation.groups
    rows = _row_count(counts)
    if not 0 <= arm < max(1, len(groups)) * rows:
        raise ValueError(f"arm {arm} of a study with {max(1, len(groups)) * rows} arms")
    return groups[arm // rows] if groups else None, _digits(counts, arm % rows)


def group_of(protocol: Protocol, arm: int) -> str:
    """Returns the key of an arm's group; empty in a study without groups. Raises ValueError if there is no such arm."""
    group, _ = group_and_digits(protocol, arm)
    return group.key if group is not None else ""


def stand_in(protocol: Protocol, group: str, condition: str) -> str:
    """Returns the condition that replaces one of the design in a group (by its key), or the same condition."""
    replaced = next((each.replace for each in protocol.allocation.groups if each.key == group), {})
    return replaced.get(condition, condition)


def arms_for(protocol: Protocol, answers: Mapping[str, Any]) -> tuple[str, list[int]]:
    """Returns the stratum of a participant with these answers (by item), and the arms they can get. Arms are balanced
    within strata.

    An answer to `allocation.by` that groups name restricts the arms to these groups. The stratum consists of the
    answers to `allocation.strata` and the groups: `gender=woman;age=18-25;group=higher`. If it were longer than
    200 characters, it is cut and ends with a hash."""
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
    """Returns an answer as part of a stratum. Every answer in the participant's own words becomes “other”."""
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
    """Returns all `arms` (of whole groups, see `arms_for`) once, in an order that depends only on `block` and `key`.

    The order is random under constraints that keep each part of a block nearly balanced, so that a study that stops
    within a block is hardly unbalanced. Every run of as many places as there are groups contains each group once.
    Within a group, every run of as many places as a digit has values contains each value about once."""
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
    """Returns every row once, in a random order that is nearly balanced in each part.

    The digits cycle through their values together (see `_in_turn`). Which value comes first, second and so on is drawn
    for each digit, and short runs of rows are shuffled. With more than MOST_ROWS combinations, only the first row is
    drawn."""
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
    """Yields every combination of digits once. All digits advance together from one combination to the next.

    Whenever a digit and those before it have completed a common cycle (the least common multiple of their lengths), the
    digit is shifted by one, so that new combinations follow."""
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
