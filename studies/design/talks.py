"""What one row of the counterbalancing says: the analytical talks of a participant in order, before groups, pairs'
labels and pauses.

A row is made of *digits*, one for each thing that is balanced: the order of the blocks, the order within them, and
which condition comes first within a pair (or which condition a prompt is assigned). `shape` says how many values each
digit has. Every combination of digits is one row, so that what is balanced over one digit is so at each value of all
others."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from math import lcm
from typing import TypeVar

from studies.design.orders import Kind, in_order, row_count
from studies.design.squares import graeco_latin
from studies.protocol.rules.plan import analytical_prompts, spread_conditions
from studies.protocol.schema import Protocol

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Talk:
    """One cell of the design. `pair`: its number, where the design says it (pairs); None elsewhere."""

    prompt: str
    condition: str
    pair: int | None = None


def shape(protocol: Protocol) -> tuple[int, ...]:
    """How many values each digit of a row has. Raises ValueError where there is no such square."""
    design = protocol.design
    if protocol.kind == "explore":
        return ()
    if design.cells == "variants":
        return (max(1, len(design.variants)),)
    if design.cells == "pairs":
        pairs = range(len(protocol.pairs))
        return (*_order_shape(protocol, pairs, _pair_block(protocol)), _pair_rows(protocol))
    if design.cells == "crossed":
        return _order_shape(protocol, _crossed(protocol), _cell_block(protocol))
    if design.order == "graeco_latin":
        return (len(_graeco_latin(protocol)),)
    return (*_order_shape(protocol, _assigned(protocol, 0), _cell_block(protocol)), len(spread_conditions(protocol)))


def talks(protocol: Protocol, digits: Sequence[int], draw: random.Random) -> list[Talk]:
    """The analytical talks of a row in order; `draw` decides where the order is random."""
    match protocol.kind, protocol.design.cells:
        case "explore", _:
            return []
        case _, "variants":
            return _written_out(protocol, digits[0])
        case _, "pairs":
            return list(_pairs(protocol, digits, draw))
        case _, "crossed":
            return [cell for _, cell in _ordered(protocol, _crossed(protocol), _cell_block(protocol), digits, draw)]
        case _:
            if protocol.design.order == "graeco_latin":
                return list(_jointly_balanced(protocol, digits[0]))
            cells = _assigned(protocol, digits[-1])
            return [cell for _, cell in _ordered(protocol, cells, _cell_block(protocol), digits, draw)]


def _pairs(protocol: Protocol, digits: Sequence[int], draw: random.Random) -> Iterator[Talk]:
    count = len(protocol.pairs)
    for repetition, index in _ordered(protocol, range(count), _pair_block(protocol), digits, draw):
        pair = protocol.pairs[index]
        # neighbours begin differently, and so does a pair when it comes again
        row = digits[-1] + index + repetition
        for condition in in_order(_within_pairs(protocol), pair.conditions, row, draw):
            yield Talk(pair.prompt, condition, index + repetition * count)


def _written_out(protocol: Protocol, index: int) -> list[Talk]:
    trials = protocol.design.variants[index].trials if protocol.design.variants else []
    return [Talk(trial.prompt, trial.condition) for trial in trials] * protocol.design.repetitions


def _crossed(protocol: Protocol) -> list[Talk]:
    conditions = spread_conditions(protocol)
    return [Talk(prompt, condition) for prompt in analytical_prompts(protocol) for condition in conditions]


def _assigned(protocol: Protocol, rotation: int) -> list[Talk]:
    conditions = spread_conditions(protocol)
    prompts = analytical_prompts(protocol) if conditions else []
    return [Talk(prompt, conditions[(i + rotation) % len(conditions)]) for i, prompt in enumerate(prompts)]


def _jointly_balanced(protocol: Protocol, row: int) -> Iterator[Talk]:
    """A row of the Graeco-Latin square. Repetitions begin one place later in it: the same cells, other places."""
    conditions, prompts = spread_conditions(protocol), analytical_prompts(protocol)
    places = _graeco_latin(protocol)[row]
    for repetition in range(protocol.design.repetitions):
        start = repetition % len(places)
        for prompt, condition in [*places[start:], *places[:start]]:
            yield Talk(prompts[prompt], conditions[condition % len(conditions)])


def _graeco_latin(protocol: Protocol) -> list[list[tuple[int, int]]]:
    """Of the prompts; each condition stands for as many numbers of the second square as there are prompts to one."""
    prompts, conditions = len(analytical_prompts(protocol)), len(spread_conditions(protocol))
    if not conditions or prompts % conditions:
        raise ValueError(
            f"{prompts} prompts cannot be spread evenly over {conditions} conditions: a Graeco-Latin order needs as "
            "many prompts as conditions, or a multiple of them"
        )
    if protocol.design.block_by is not None:
        raise ValueError("a Graeco-Latin order balances every position, so it cannot be blocked: leave out block_by")
    return graeco_latin(prompts)


def _ordered(
    protocol: Protocol,
    units: Sequence[T],
    block_of: Callable[[T], Hashable],
    digits: Sequence[int],
    draw: random.Random,
) -> Iterator[tuple[int, T]]:
    """(repetition, unit) in order. Every block, and every repetition, takes another row of the square than the last."""
    kind, blocks = _kind(protocol), _blocks(units, block_of)
    for place, block in enumerate(in_order(kind, blocks, digits[0], draw)):
        for repetition in range(protocol.design.repetitions):
            for unit in in_order(kind, block, digits[1] + place + repetition, draw):
                yield repetition, unit


def _order_shape(protocol: Protocol, units: Sequence[T], block_of: Callable[[T], Hashable]) -> tuple[int, int]:
    kind, blocks = _kind(protocol), _blocks(units, block_of)
    return row_count(kind, len(blocks)), lcm(*(row_count(kind, len(block)) for block in blocks))


def _blocks(units: Sequence[T], block_of: Callable[[T], Hashable]) -> list[list[T]]:
    blocks: dict[Hashable, list[T]] = {}
    for unit in units:
        blocks.setdefault(block_of(unit), []).append(unit)
    return list(blocks.values())


def _pair_block(protocol: Protocol) -> Callable[[int], Hashable]:
    """Pairs stay together that share their prompt, or all of their conditions."""
    pairs = protocol.pairs
    match protocol.design.block_by:
        case "prompt":
            return lambda index: pairs[index].prompt
        case "condition":
            return lambda index: frozenset(pairs[index].conditions)
        case None:
            return lambda index: None


def _cell_block(protocol: Protocol) -> Callable[[Talk], Hashable]:
    match protocol.design.block_by:
        case "prompt":
            return lambda cell: cell.prompt
        case "condition":
            return lambda cell: cell.condition
        case None:
            return lambda cell: None


def _kind(protocol: Protocol) -> Kind:
    """Raises ValueError for a Graeco-Latin order of anything but assigned conditions."""
    if protocol.design.order == "graeco_latin":
        raise ValueError("a Graeco-Latin order belongs to cells: assigned; take latin or williams")
    return protocol.design.order


def _within_pairs(protocol: Protocol) -> Kind:
    """Which condition comes first is balanced whatever the order of the pairs."""
    return "williams" if _kind(protocol) == "williams" else "latin"


def _pair_rows(protocol: Protocol) -> int:
    kind = _within_pairs(protocol)
    return lcm(*(row_count(kind, len(pair.conditions)) for pair in protocol.pairs))
