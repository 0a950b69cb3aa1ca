"""The design: that what it combines is there, that its orders exist, and that its variants keep pairs whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from studies.errors import Problem
from studies.protocol.cells import Pair
from studies.protocol.counterbalancing import Design, Variant
from studies.protocol.reading.problems import path_of, suggestion
from studies.protocol.rules.talks import check_condition, check_prompt
from studies.protocol.schema import Protocol

MOST_TALKS = 250
"""Of one participant; a slip of the finger beyond that."""


def check(protocol: Protocol) -> Iterator[Problem]:
    if protocol.kind != "planned":
        return
    design = protocol.design
    if design.cells == "pairs" and not protocol.pairs:
        yield Problem("pairs", "is missing; a design of pairs needs at least one, or choose other design.cells")
    if design.cells == "assigned":
        for index in range(len(protocol.pairs)):
            message = (
                "can never be compared: with design.cells assigned, each participant has one conversation per prompt"
            )
            yield Problem(path_of(("pairs", index)), f"{message}; choose crossed, pairs or variants")
    if design.cells == "crossed":
        yield from _check_stand_ins(protocol)
    yield from _check_order(protocol, design)
    yield from _check_variants(protocol, design)
    yield from _check_cells_of_pairs(protocol)
    talks = protocol.talk_count
    if talks > MOST_TALKS:
        message = f"makes {talks:,} conversations for each participant; expected at most {MOST_TALKS}"
        yield Problem("design", f"{message}: have fewer prompts, conditions or repetitions")
    yield from _check_blocks(protocol, design)


def _check_stand_ins(protocol: Protocol) -> Iterator[Problem]:
    """Pairs of conditions that are not crossed, so that nobody could compare them."""
    spread = protocol.spread_conditions
    replaced = {new: old for group in protocol.allocation.groups for old, new in group.replace.items()}
    for index, pair in enumerate(protocol.pairs):
        for side, key in enumerate(pair.conditions):
            if key in replaced and key not in spread:
                message = f"{key} only stands in for {replaced[key]} in a group; name {replaced[key]}"
                yield Problem(path_of(("pairs", index, "conditions", side)), f"{message}, and the pair follows")


def _check_order(protocol: Protocol, design: Design) -> Iterator[Problem]:
    prompts, conditions = len(protocol.analytical_prompts), len(protocol.spread_conditions)
    default = Design.model_fields["order"].default
    if design.cells == "variants" and design.order not in (default, "fixed"):
        yield Problem("design.order", f"is '{design.order}', but variants write the order out; leave it out")
    if design.cells == "assigned" and conditions and prompts and prompts % conditions:
        yield Problem("design.cells", _unbalanced(prompts, conditions))
    if design.order == "graeco_latin":
        if design.cells != "assigned":
            yield Problem("design.order", f"graeco_latin belongs to cells: assigned, not {design.cells}; take latin")
        elif prompts % 4 == 2:
            known = "there is none" if prompts in (2, 6) else "none of an odd number twice over is made here"
            message = f"a Graeco-Latin square of {prompts} prompts cannot be made ({known})"
            near = f"take {prompts - 1} or {prompts + 1} prompts" if prompts > 2 else "take 3 prompts"
            yield Problem("design.order", f"{message}; {near}, or order: latin or williams")


def _unbalanced(prompts: int, conditions: int) -> str:
    """What to say of a square that cannot be balanced, and what would do."""
    below, above = prompts // conditions * conditions, (prompts // conditions + 1) * conditions
    numbers = [str(number) for number in (below, above) if number]
    divisors = [str(number) for number in range(2, prompts + 1) if prompts % number == 0]
    fewer = f", or {' or '.join(divisors)} conditions" if divisors else ""
    what = f"{prompts} {'prompt' if prompts == 1 else 'prompts'}"
    return (
        f"{what} cannot be spread evenly over {conditions} conditions: every participant would meet some of "
        f"them more often; have "
        f"{' or '.join(numbers)} prompts{fewer}, or cells: crossed"
    )


def _check_variants(protocol: Protocol, design: Design) -> Iterator[Problem]:
    if design.cells != "variants":
        if design.variants:
            yield Problem("design.variants", f"belongs to cells: variants, not {design.cells}; change one of the two")
        return
    if not design.variants:
        yield Problem("design.variants", "is missing; write out at least one order of conversations")
    for index, variant in enumerate(design.variants):
        for number, trial in enumerate(variant.trials):
            place = ("design", "variants", index, "trials", number)
            yield from check_prompt(protocol, trial.prompt, "analytical", *place, "prompt")
            yield from check_condition(protocol, trial.condition, *place, "condition")
        talked = {(trial.prompt, trial.condition) for trial in variant.trials}
        for pair_index, pair in enumerate(protocol.pairs):
            there = [key for key in pair.conditions if (pair.prompt, key) in talked]
            missing = [key for key in pair.conditions if key not in there]
            if there and missing:
                yield Problem(
                    path_of(("design", "variants", index, "trials")),
                    f"has {pair.prompt} under {', '.join(there)} but not under {', '.join(missing)}, which "
                    f"pairs[{pair_index}] compares; add it, or leave out both",
                )
    for pair_index, pair in enumerate(protocol.pairs):
        if not any(_has(variant, pair) for variant in design.variants):
            yield Problem(
                path_of(("pairs", pair_index)), "is in no variant; list its conversations in one, or leave it out"
            )


def _has(variant: Variant, pair: Pair) -> bool:
    return any(trial.prompt == pair.prompt and trial.condition in pair.conditions for trial in variant.trials)


def _check_cells_of_pairs(protocol: Protocol) -> Iterator[Problem]:
    """Where talks are not made for a pair each, one that several pairs need has to come as often."""
    design = protocol.design
    if design.cells == "crossed":
        plans = [Counter((prompt, key) for prompt in protocol.analytical_prompts for key in protocol.spread_conditions)]
    elif design.cells == "variants":
        plans = [Counter((trial.prompt, trial.condition) for trial in variant.trials) for variant in design.variants]
    else:
        return
    needed: dict[tuple[str, str], list[int]] = {}
    for index, pair in enumerate(protocol.pairs):
        for key in dict.fromkeys(pair.conditions):
            before = needed.setdefault((pair.prompt, key), [])
            had = [plan[pair.prompt, key] * design.repetitions for plan in plans if plan[pair.prompt, key]]
            if before and had and min(had) <= len(before):
                message = f"compares {pair.prompt} under {key}, which pairs[{before[-1]}] already compares"
                more = "put all that is compared into one pair, set design.repetitions, or choose cells: pairs"
                yield Problem(path_of(("pairs", index)), f"{message}; {more}")
            before.append(index)


MOST_NAMED = 3

Talks = dict[str, list[tuple[str, str]]]
"""What has to be in one block: in words, (prompt, condition) of its talks."""


def _check_blocks(protocol: Protocol, design: Design) -> Iterator[Problem]:
    """Blocks that are written out: every talk of the design is in one of them, and none of them is empty."""
    if design.cells == "variants" or design.order == "graeco_latin":
        why = "variants write the order out" if design.cells == "variants" else "a Graeco-Latin order has no blocks"
        for name in ("block_by", "blocks", "block_order"):
            if getattr(design, name):
                yield Problem(f"design.{name}", f"is not possible: {why}; leave it out")
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
            yield Problem(path_of(place), "names no prompts and no conditions; state which conversations are in it")
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
        yield Problem("design.blocks", f"have no place for {_few(homeless)}; every conversation belongs to one block")
    for number, block in enumerate(design.blocks):
        place = path_of(("design", "blocks", number))
        mine = [name for name, numbers in homes.items() if number in numbers]
        shared = [name for name in mine if homes[name][0] < number]
        if shared:
            other = design.blocks[homes[shared[0]][0]].key
            yield Problem(place, f"holds {_few(shared)}, which {other} holds too; a conversation belongs to one block")
        elif not mine:
            yield Problem(place, f"{block.key} contains no conversation; leave it out")


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
