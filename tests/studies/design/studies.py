"""Studies of every design, for tests of what plans them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from studies.protocol.schema import Protocol
from tests.studies.protocol.documents import paired

ORDERS = ("williams", "latin", "random", "fixed")
GRAECO_LATIN = (3, 4, 5, 7, 8, 9, 12)


def study(
    prompts: int = 1,
    conditions: int = 2,
    pairs: list[dict[str, Any]] | None = None,
    practice: int = 0,
    groups: list[dict[str, Any]] | None = None,
    stand_ins: int = 0,
    **design: Any,
) -> Protocol:
    """Prompts p0, p1, ...; conditions c0, c1, ...; `stand_ins` more conditions s0, s1, ... that only groups name;
    `practice` talks with c0. Not checked against the rules: the shape alone."""
    names = [*(f"c{index}" for index in range(conditions)), *(f"s{index}" for index in range(stand_ins))]
    document = paired() | {
        "prompts": [_prompt(f"p{index}") for index in range(prompts)]
        + [_prompt(f"q{index}", study_role="practice") for index in range(practice)],
        "conditions": [{"key": name, "label": name, "engine": "cascade"} for name in names],
        "practice": [{"prompt": f"q{index}", "condition": "c0"} for index in range(practice)],
        "pairs": pairs or [],
        "allocation": {"groups": groups or []},
        "design": design,
    }
    return Protocol.model_validate(document)


def pair(prompt: int, *conditions: int) -> dict[str, Any]:
    return {"prompt": f"p{prompt}", "conditions": [f"c{index}" for index in conditions]}


def _prompt(key: str, **fields: Any) -> dict[str, Any]:
    return {"key": key, "title": key, "card": "Talk.", **fields}


@st.composite
def studies(draw: st.DrawFn) -> Protocol:
    """Any design that can be planned, small."""
    cells = draw(st.sampled_from(["pairs", "crossed", "assigned", "variants"]))
    options: dict[str, Any] = {
        "cells": cells,
        "order": draw(st.sampled_from(ORDERS)),
        "block_by": draw(st.sampled_from([None, "prompt", "condition"])),
        "repetitions": draw(st.integers(1, 3)),
        "break_every": draw(st.none() | st.integers(1, 5)),
    }
    prompts, conditions = draw(st.integers(1, 5)), draw(st.integers(2, 4))
    if cells == "assigned" and draw(st.booleans()):
        prompts = draw(st.sampled_from(GRAECO_LATIN))
        conditions = draw(st.sampled_from([c for c in range(1, prompts + 1) if prompts % c == 0]))
        options |= {"order": "graeco_latin", "block_by": None}
    if options["block_by"] is None and options["order"] != "graeco_latin" and cells != "variants":
        options |= draw(_blocks(prompts))
    cell = st.tuples(st.integers(0, prompts - 1), st.integers(0, conditions - 1))
    if cells == "variants":
        lists = draw(st.lists(st.lists(cell, min_size=1, max_size=6), min_size=1, max_size=4))
        options["variants"] = [
            {"key": f"v{index}", "trials": [{"prompt": f"p{p}", "condition": f"c{c}"} for p, c in trials]}
            for index, trials in enumerate(lists)
        ]
    several = st.lists(st.integers(0, conditions - 1), min_size=2, max_size=conditions, unique=True)
    pairs: list[dict[str, Any]] = []
    if cells != "assigned" and conditions > 1:
        number = draw(st.integers(1 if cells == "pairs" else 0, 4))
        pairs = [pair(draw(st.integers(0, prompts - 1)), *draw(several)) for _ in range(number)]
    stand_ins = draw(st.integers(0, 2))
    groups: list[dict[str, Any]] = [{"key": f"g{index}", "replace": {"c0": f"s{index}"}} for index in range(stand_ins)]
    has_unchanged = draw(st.booleans())
    if groups and has_unchanged:
        groups.append({"key": "as-written"})
    return study(prompts, conditions, pairs, draw(st.integers(0, 2)), groups, stand_ins, **options)


@st.composite
def _blocks(draw: st.DrawFn, prompts: int) -> dict[str, Any]:
    """None, or some that part the prompts."""
    numbers = [draw(st.integers(0, 2)) for _ in range(prompts)]
    blocks = [
        {"key": f"b{number}", "prompts": [f"p{index}" for index in range(prompts) if numbers[index] == number]}
        for number in sorted(set(numbers))
    ]
    order = draw(st.sampled_from([None, *ORDERS]))
    return draw(st.sampled_from([{}, {"blocks": blocks, "block_order": order}]))
