"""How even a design is, for researchers: over all arms, what meets what how often.

What is drawn for each participant (a random order, the labels of a pair) has no count: it is played through with many
seeds, and the table says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from studies.design.arms import arm_count, group_of, level
from studies.design.plan import SIDES, PlannedTrial, plan_trials
from studies.design.talks import draws_order
from studies.protocol.schema import Protocol

PLAYED: Final = 240
"""At least so many participants are played through where something is drawn."""
MOST_TALKS: Final = 30_000
"""Beyond so many talks in all, arms are looked at in equal steps instead of one by one."""
ARMS: Final = "Arms"
"""Title of the first table."""
CHANCE: Final = 0.5
"""Counts of what is drawn that lie no further apart, as a share of the largest, are about equal."""
SPREAD: Final = {
    "blocks": "In every block of participants of one stratum, each arm is assigned once.",
    "minimisation": "Arms are assigned so that the strata are similar in them; arms are used about equally often.",
    "random": "Arms are drawn at random, each with the same probability.",
}

Plan = Sequence[PlannedTrial]
Meeting = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """`counts[i][j]`: how often row i meets column j. `note` says in words how even that is."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    note: str


@dataclass(frozen=True, slots=True)
class _Sample:
    """Plans of one group; those of every arm once, or `drawn` with many seeds."""

    plans: list[Plan]
    drawn: bool


def balance(protocol: Protocol) -> list[Table]:
    """Tables of a study's design, those of one group after those of another; none for an explore study.

    The first says how many arms each group has. Practice is left out. Raises ValueError for a square there is not."""
    if protocol.kind == "explore":
        return []
    random_order = draws_order(protocol)
    exact = _samples(protocol, 1)
    drawn = random_order or protocol.pairs
    played = _samples(protocol, -(-PLAYED // arm_count(protocol))) if drawn else exact
    arms = arm_count(protocol) // len(exact)
    tables = [
        Table(
            ARMS,
            tuple(group or "everybody" for group in exact),
            ("Arms", "Conversations of a participant"),
            tuple((arms, max(map(len, plans))) for plans in exact.values()),
            f"{SPREAD[protocol.allocation.method]}{_leading(protocol)}{_skipped(protocol)}",
        )
    ]
    for group in exact:
        where = f", group {group}" if group else ""
        labels = _Sample(played[group], drawn=True)
        orders = labels if random_order else _Sample(exact[group], drawn=False)
        tables += _order_tables(protocol, orders, where)
        tables += _pair_tables(protocol, orders, labels, where)
    return tables


def _samples(protocol: Protocol, seeds: int) -> dict[str, list[Plan]]:
    """The analytical talks of so many participants in each arm, by group."""
    arms = arm_count(protocol)
    samples: dict[str, list[Plan]] = {}
    for arm in range(0, arms, _step(protocol)):
        of_group = samples.setdefault(group_of(protocol, arm), [])
        for seed in range(seeds):
            plan = plan_trials(protocol, arm, seed * arms + arm)
            of_group.append([trial for trial in plan if not trial.practice])
    return samples


def _step(protocol: Protocol) -> int:
    return max(1, arm_count(protocol) * len(plan_trials(protocol, 0, 0)) // MOST_TALKS)


def _leading(protocol: Protocol) -> str:
    """Returns which answers lead to which group."""
    allocation = protocol.allocation
    if allocation.by is None or not allocation.groups:
        return ""
    led = [
        f"{', '.join(map(level, group.for_answers))} to {group.key}" for group in allocation.groups if group.for_answers
    ]
    everywhere = ", ".join(group.key for group in allocation.groups)
    return f" Of {allocation.by}, {'; '.join(led)}; any other answer, or none, is distributed over {everywhere}."


def _skipped(protocol: Protocol) -> str:
    step = _step(protocol)
    return (
        f" The tables below are of one arm in {step}: there are too many to simulate all of them." if step > 1 else ""
    )


def _order_tables(protocol: Protocol, sample: _Sample, where: str) -> Iterator[Table]:
    plans = sample.plans
    conditions = _named([cell.key for cell in protocol.cells()], (t.condition for plan in plans for t in plan))
    prompts = _named([prompt.key for prompt in protocol.prompts], (t.prompt for plan in plans for t in plan))
    places = _numbered(max(map(len, plans)))
    for title, rows, columns, meetings, say in (
        (
            "Conditions and prompts",
            conditions,
            prompts,
            _each(plans, lambda t, _: (t.condition, t.prompt)),
            _meetings,
        ),
        (
            "Conditions at each position",
            conditions,
            places,
            _each(plans, lambda t, place: (t.condition, place)),
            _evenness("condition appears", "at each position", drawn=sample.drawn),
        ),
        (
            "Prompts at each position",
            prompts,
            places,
            _each(plans, lambda t, place: (t.prompt, place)),
            _evenness("prompt appears", "at each position", drawn=sample.drawn),
        ),
        (
            "Which condition follows which",
            conditions,
            conditions,
            ((before.condition, after.condition) for plan in plans for before, after in pairwise(plan)),
            _following(drawn=sample.drawn),
        ),
    ):
        yield _table(f"{title}{where}", rows, columns, meetings, say, _drawn("order", sample))


def _pair_tables(protocol: Protocol, orders: _Sample, labels: _Sample, where: str) -> Iterator[Table]:
    compared = [trial for plan in orders.plans for trial in plan if trial.pair is not None]
    if not compared:
        return
    conditions = _named([cell.key for cell in protocol.cells()], (trial.condition for trial in compared))
    most = max(len(pair.conditions) for pair in protocol.pairs)
    yield _table(
        f"Which condition of a pair comes first{where}",
        conditions,
        _numbered(most),
        _within_pairs(orders.plans),
        _evenness("condition comes", "as first, second and so on of its pair", drawn=orders.drawn),
        _drawn("order", orders),
    )
    yield _table(
        f"Blind labels{where}",
        conditions,
        tuple(SIDES[:most]),
        _each(labels.plans, lambda t, _: (t.condition, t.side)),
        _evenness("condition appears", "under each label", drawn=True),
        _drawn("label", labels),
    )


def _table(
    title: str,
    rows: tuple[str, ...],
    columns: tuple[str, ...],
    meetings: Iterable[Meeting],
    say: Callable[[Table], str],
    before: str,
) -> Table:
    found = Counter(meetings)
    counts = tuple(tuple(found[row, column] for column in columns) for row in rows)
    return Table(title, rows, columns, counts, before + say(Table(title, rows, columns, counts, "")))


def _drawn(what: str, sample: _Sample) -> str:
    people = len(sample.plans)
    return f"The {what} is drawn for each participant; simulated with {people} of them. " if sample.drawn else ""


def _each(plans: Iterable[Plan], key: Callable[[PlannedTrial, str], Meeting]) -> Iterator[Meeting]:
    return (key(trial, str(place)) for plan in plans for place, trial in enumerate(plan, start=1))


def _within_pairs(plans: Iterable[Plan]) -> Iterator[Meeting]:
    for plan in plans:
        seen: Counter[int] = Counter()
        for trial in plan:
            if trial.pair is not None:
                seen[trial.pair] += 1
                yield trial.condition, str(seen[trial.pair])


def _named(keys: Iterable[str], found: Iterable[str]) -> tuple[str, ...]:
    there = set(found)
    return tuple(key for key in keys if key in there)


def _numbered(count: int) -> tuple[str, ...]:
    return tuple(str(number) for number in range(1, count + 1))


def _meetings(table: Table) -> str:
    counts = {count for row in table.counts for count in row}
    some = "" if 0 not in counts else " Not every condition meets every prompt."
    if len(counts - {0}) > 1:
        met = [(row, set(found) - {0}) for row, found in zip(table.rows, table.counts, strict=True)]
        return f"Conditions do not meet prompts equally often: {_each_named(met)}.{some}"
    if some:
        return f"Where a condition and a prompt meet, they do so {_times(counts - {0})}.{some}"
    return f"Each condition meets each prompt {_times(counts)}."


def _following(*, drawn: bool) -> Callable[[Table], str]:
    def say(table: Table) -> str:
        others = {count for i, row in enumerate(table.counts) for j, count in enumerate(row) if i != j}
        if not others:
            return "There is only one condition."
        if len(others) == 1:
            return f"Each condition follows every other one {_times(others)}."
        if drawn and _about_equal(others):
            return f"Each condition follows every other one about equally often, {_times(others)}."
        return f"Not every condition follows every other one equally often, but {_times(others)}."

    return say


def _evenness(what: str, where: str, *, drawn: bool = False) -> Callable[[Table], str]:
    """Says how even the counts are. If they are `drawn`, differences within chance count as about equal."""

    def say(table: Table) -> str:
        counts = {count for row in table.counts for count in row}
        uneven = [(row, set(found)) for row, found in zip(table.rows, table.counts, strict=True) if len(set(found)) > 1]
        if not uneven:
            return f"Each {what} {_times(counts) if len(counts) == 1 else 'equally often'} {where}."
        if drawn and all(_about_equal(found) for _, found in uneven):
            return f"Each {what} about equally often {where}: {_each_named(uneven)}."
        return f"Not every {what} equally often {where}: {_each_named(uneven)}."

    return say


def _about_equal(counts: set[int]) -> bool:
    return max(counts) - min(counts) <= CHANCE * max(counts)


def _each_named(rows: Iterable[tuple[str, set[int]]]) -> str:
    return "; ".join(f"{row} {_times(found)}" for row, found in rows)


def _times(counts: set[int]) -> str:
    if not counts:
        return "never"
    low, high = min(counts), max(counts)
    if low < high:
        return f"{low} to {high} times"
    return {0: "never", 1: "once", 2: "twice"}.get(low, f"{low} times")
