"""Blocks of talks that are written out: every talk of the design is in one of them, and none of them is empty."""

from __future__ import annotations

from collections.abc import Iterator

from studies.errors import Problem
from studies.protocol.counterbalancing import Design
from studies.protocol.reading.problems import path_of, suggestion
from studies.protocol.rules.talks import check_prompt
from studies.protocol.schema import Protocol

MOST_NAMED = 3

Talks = dict[str, list[tuple[str, str]]]
"""What has to be in one block: in words, (prompt, condition) of its talks."""


def check(protocol: Protocol) -> Iterator[Problem]:
    design = protocol.design
    if protocol.kind != "planned":
        return
    if design.cells == "variants" or design.order == "graeco_latin":
        why = "variants write the order out" if design.cells == "variants" else "a Graeco-Latin order has no blocks"
        for name in ("block_by", "blocks", "block_order"):
            if getattr(design, name):
                yield Problem(f"design.{name}", f"cannot be had: {why}; leave it out")
        return
    if design.block_by is not None and design.blocks:
        yield Problem("design.blocks", "are written out, but block_by makes blocks too; leave one of the two out")
        return
    if design.block_order is not None and not (design.block_by or design.blocks):
        yield Problem("design.block_order", "orders blocks, but there are none; add block_by or blocks")
    names = list(_check_names(protocol, design))
    yield from names or _check_talks(protocol, design)


def _check_names(protocol: Protocol, design: Design) -> Iterator[Problem]:
    conditions = protocol.spread_conditions
    for index, block in enumerate(design.blocks):
        place = ("design", "blocks", index)
        for number, key in enumerate(block.prompts):
            yield from check_prompt(protocol, key, "analytical", *place, "prompts", number)
        for number, key in enumerate(block.conditions):
            if key not in conditions:
                message = f"the design has no condition called {key!r}; {suggestion(key, conditions)}"
                yield Problem(path_of((*place, "conditions", number)), message)
        if not block.prompts and not block.conditions:
            yield Problem(path_of(place), "names no prompts and no conditions; say whose talks are in it")
        if design.cells == "assigned" and block.prompts and block.conditions:
            message = "names prompts and conditions, of which by cells: assigned nobody knows yet who meets which"
            yield Problem(path_of(place), f"{message}; name the prompts alone, or the conditions")


def _check_talks(protocol: Protocol, design: Design) -> Iterator[Problem]:
    talks = _talks(protocol)
    if not design.blocks or not talks:
        return
    homes = {
        name: [number for number, block in enumerate(design.blocks) if all(block.holds(*cell) for cell in cells)]
        for name, cells in talks.items()
    }
    homeless = [name for name, numbers in homes.items() if not numbers]
    if homeless:
        yield Problem("design.blocks", f"have no place for {_few(homeless)}; every talk is in one block")
    for number, block in enumerate(design.blocks):
        place = path_of(("design", "blocks", number))
        mine = [name for name, numbers in homes.items() if number in numbers]
        shared = [name for name in mine if homes[name][0] < number]
        if shared:
            other = design.blocks[homes[shared[0]][0]].key
            yield Problem(place, f"holds {_few(shared)}, which {other} holds too; a talk is in one block")
        elif not mine:
            yield Problem(place, f"{block.key} holds none of the talks; leave it out")


def _talks(protocol: Protocol) -> Talks:
    if protocol.design.cells == "pairs":
        return {
            f"pairs[{index}] ({pair.prompt} under {', '.join(pair.conditions)})": [
                (pair.prompt, key) for key in pair.conditions
            ]
            for index, pair in enumerate(protocol.pairs)
        }
    prompts, conditions = protocol.analytical_prompts, protocol.spread_conditions
    return {f"{prompt} under {key}": [(prompt, key)] for prompt in prompts for key in conditions}


def _few(names: list[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
