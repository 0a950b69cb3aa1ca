"""What one row of the counterbalancing says: the analytical talks of a participant in order, before groups, pairs'
labels and pauses.

A row is made of *digits*, one for each thing that is balanced: the order of the blocks, the order within them, and
which condition comes first within a pair (or which condition a prompt is assigned; or how crossed cells that are
compared take turns). `shape` says how many values each digit has. Every combination of digits is one row, so that what
is balanced over one digit is so at each value of all others."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import lcm
from typing import TypeVar

from studies.design.orders import Kind, Turns, graeco_latin, in_order, row_count, turns
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
        return (*_order_shape(protocol, _blocks_of_pairs(protocol)), _pair_rows(protocol))
    if design.cells == "crossed":
        blocks = _blocks_of_cells(protocol, _crossed(protocol))
        return (*_order_shape(protocol, blocks), *_turn_shape(*_turns(protocol, blocks)))
    if design.order == "graeco_latin":
        return (len(_graeco_latin(protocol)),)
    blocks = _blocks_of_cells(protocol, _assigned(protocol, 0))
    return (*_order_shape(protocol, blocks), len(protocol.spread_conditions))


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
            blocks = _in_turn(protocol, _blocks_of_cells(protocol, _crossed(protocol)), digits[2:])
            return [cell for _, cell in _ordered(protocol, blocks, digits, draw)]
        case _:
            if protocol.design.order == "graeco_latin":
                return list(_jointly_balanced(protocol, digits[0]))
            blocks = _blocks_of_cells(protocol, _assigned(protocol, digits[-1]))
            return [cell for _, cell in _ordered(protocol, blocks, digits, draw)]


def draws_order(protocol: Protocol) -> bool:
    """Whether anything of the order of the talks is drawn, so that a row alone does not say it: a random order of one
    thing is no draw. Raises ValueError for a Graeco-Latin order of anything but assigned conditions."""
    design = protocol.design
    if protocol.kind == "explore" or design.cells == "variants":
        return False
    if design.cells == "assigned" and design.order == "graeco_latin":
        return False
    kind, block_kind = _kind(protocol), _block_kind(protocol)
    sizes = [len(block) for block in _ordered_blocks(protocol)]
    return (block_kind == "random" and len(sizes) > 1) or (kind == "random" and max(sizes, default=0) > 1)


def _ordered_blocks(protocol: Protocol) -> Sequence[Sequence[object]]:
    """What is put into an order, in its blocks."""
    match protocol.design.cells:
        case "pairs":
            return _blocks_of_pairs(protocol)
        case "crossed":
            return _blocks_of_cells(protocol, _crossed(protocol))
        case _:
            return _blocks_of_cells(protocol, _assigned(protocol, 0))


def _pairs(protocol: Protocol, digits: Sequence[int], draw: random.Random) -> Iterator[Talk]:
    count = len(protocol.pairs)
    for repetition, index in _ordered(protocol, _blocks_of_pairs(protocol), digits, draw):
        pair = protocol.pairs[index]
        # neighbours begin differently, and so does a pair when it comes again
        row = digits[-1] + index + repetition
        for condition in in_order(_within_pairs(protocol), pair.conditions, row, draw):
            yield Talk(pair.prompt, condition, index + repetition * count)


def _written_out(protocol: Protocol, index: int) -> list[Talk]:
    trials = protocol.design.variants[index].trials if protocol.design.variants else []
    return [Talk(trial.prompt, trial.condition) for trial in trials] * protocol.design.repetitions


def _crossed(protocol: Protocol) -> list[Talk]:
    conditions = protocol.spread_conditions
    return [Talk(prompt, condition) for prompt in protocol.analytical_prompts for condition in conditions]


def _assigned(protocol: Protocol, rotation: int) -> list[Talk]:
    conditions = protocol.spread_conditions
    prompts = protocol.analytical_prompts if conditions else []
    return [Talk(prompt, conditions[(i + rotation) % len(conditions)]) for i, prompt in enumerate(prompts)]


def _jointly_balanced(protocol: Protocol, row: int) -> Iterator[Talk]:
    """A row of the Graeco-Latin square. Repetitions begin one place later in it: the same cells, other places."""
    conditions, prompts = protocol.spread_conditions, protocol.analytical_prompts
    places = _graeco_latin(protocol)[row]
    for repetition in range(protocol.design.repetitions):
        start = repetition % len(places)
        for prompt, condition in [*places[start:], *places[:start]]:
            yield Talk(prompts[prompt], conditions[condition % len(conditions)])


def _graeco_latin(protocol: Protocol) -> list[list[tuple[int, int]]]:
    """Of the prompts; each condition stands for as many numbers of the second square as there are prompts to one."""
    prompts, conditions = len(protocol.analytical_prompts), len(protocol.spread_conditions)
    if not conditions or prompts % conditions:
        raise ValueError(
            f"{prompts} prompts cannot be spread evenly over {conditions} conditions: a Graeco-Latin order needs as "
            "many prompts as conditions, or a multiple of them"
        )
    if protocol.design.block_by is not None:
        raise ValueError("a Graeco-Latin order balances every position, so it cannot be blocked: leave out block_by")
    return graeco_latin(prompts)


def _ordered(
    protocol: Protocol, blocks: Sequence[Sequence[T]], digits: Sequence[int], draw: random.Random
) -> Iterator[tuple[int, T]]:
    """(repetition, unit) in order. Every block, and every repetition, takes another row of the square than the last."""
    kind = _kind(protocol)
    for place, block in enumerate(in_order(_block_kind(protocol), blocks, digits[0], draw)):
        for repetition in range(protocol.design.repetitions):
            for unit in in_order(kind, block, digits[1] + place + repetition, draw):
                yield repetition, unit


def _order_shape(protocol: Protocol, blocks: Sequence[Sequence[T]]) -> tuple[int, int]:
    rows = lcm(*(row_count(_kind(protocol), len(block)) for block in blocks))
    return row_count(_block_kind(protocol), len(blocks)), rows


def _turns(protocol: Protocol, blocks: Sequence[Sequence[Talk]]) -> tuple[Turns, list[Turns]]:
    """How blocks take turns, and what is in each of them, so that of compared cells each comes first equally often."""
    place_of = {
        (cell.prompt, cell.condition): (number, index)
        for number, block in enumerate(blocks)
        for index, cell in enumerate(block)
    }
    apart: list[set[int]] = []
    together: list[list[set[int]]] = [[] for _ in blocks]
    for pair in protocol.pairs:
        places = [place_of[pair.prompt, key] for key in pair.conditions if (pair.prompt, key) in place_of]
        numbers = {number for number, _ in places}
        if len(numbers) == len(places):
            apart.append(numbers)
        elif len(numbers) == 1:
            together[numbers.pop()].append({index for _, index in places})
    kind = _kind(protocol)
    within = [turns(kind, len(block), compared) for block, compared in zip(blocks, together, strict=True)]
    return turns(_block_kind(protocol), len(blocks), apart), within


def _turn_shape(of_blocks: Turns, within: Sequence[Turns]) -> tuple[int, ...]:
    """Two digits, where there is something to take turns: how far, and whether mirrored."""
    every = [of_blocks, *within]
    rounds = lcm(*(len(places) for each in every for places in each.rounds))
    mirrors = 2 if any(each.mirrored for each in every) else 1
    return (rounds, mirrors) if rounds * mirrors > 1 else ()


def _in_turn(protocol: Protocol, blocks: list[list[Talk]], digits: Sequence[int]) -> list[list[Talk]]:
    if not digits:
        return blocks
    of_blocks, within = _turns(protocol, blocks)
    by, mirror = digits
    return of_blocks.taken(
        [each.taken(block, by, mirror) for each, block in zip(within, blocks, strict=True)], by, mirror
    )


def _blocks(units: Iterable[T], rank: Callable[[T], int]) -> list[list[T]]:
    """What has the same rank together, the lowest first."""
    blocks: defaultdict[int, list[T]] = defaultdict(list)
    for unit in units:
        blocks[rank(unit)].append(unit)
    return [blocks[number] for number in sorted(blocks)]


def _blocks_of_cells(protocol: Protocol, cells: Sequence[Talk]) -> list[list[Talk]]:
    prompts, conditions = protocol.analytical_prompts, protocol.spread_conditions
    match protocol.design.block_by:
        case "prompt":
            return _blocks(cells, lambda cell: prompts.index(cell.prompt))
        case "condition":
            return _blocks(cells, lambda cell: conditions.index(cell.condition))
        case None:
            return _blocks(cells, lambda cell: _written_block(protocol, cell.prompt, cell.condition))


def _blocks_of_pairs(protocol: Protocol) -> list[list[int]]:
    """Numbers of the pairs. Those stay together that share their prompt, or all of their conditions."""
    pairs = protocol.pairs
    prompts, conditions = [pair.prompt for pair in pairs], [frozenset(pair.conditions) for pair in pairs]
    match protocol.design.block_by:
        case "prompt":
            return _blocks(range(len(pairs)), lambda index: prompts.index(prompts[index]))
        case "condition":
            return _blocks(range(len(pairs)), lambda index: conditions.index(conditions[index]))
        case None:
            return _blocks(
                range(len(pairs)), lambda index: _written_block(protocol, prompts[index], *conditions[index])
            )


def _written_block(protocol: Protocol, prompt: str, *conditions: str) -> int:
    """The number of the first block that holds a prompt under all of these conditions; 0 where none is written out."""
    written = enumerate(protocol.design.blocks)
    return next((number for number, block in written if all(block.holds(prompt, key) for key in conditions)), 0)


def _kind(protocol: Protocol) -> Kind:
    """Raises ValueError for a Graeco-Latin order of anything but assigned conditions."""
    if protocol.design.order == "graeco_latin":
        raise ValueError("a Graeco-Latin order belongs to cells: assigned; take latin or williams")
    return protocol.design.order


def _block_kind(protocol: Protocol) -> Kind:
    return protocol.design.block_order or _kind(protocol)


def _within_pairs(protocol: Protocol) -> Kind:
    """Which condition comes first is balanced whatever the order of the pairs."""
    return "williams" if _kind(protocol) == "williams" else "latin"


def _pair_rows(protocol: Protocol) -> int:
    kind = _within_pairs(protocol)
    return lcm(*(row_count(kind, len(pair.conditions)) for pair in protocol.pairs))
