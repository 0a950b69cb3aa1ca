"""Blocks that are written out."""

from __future__ import annotations

from typing import Any

import pytest

from studies.protocol.reading.document import parse
from tests.studies.protocol.rules.studies import crossed, problems

CALM = {"key": "calm", "prompts": ["p0", "p1"]}
TENSE = {"key": "tense", "prompts": ["p2", "p3"]}


def study(cells: str = "crossed", pairs: list[dict[str, Any]] | None = None, **design: Any) -> dict[str, Any]:
    return crossed(4, 2, design={"cells": cells, **design}, pairs=pairs or [])


def found(cells: str = "crossed", pairs: list[dict[str, Any]] | None = None, **design: Any) -> list[str]:
    return problems(study(cells, pairs, **design))


@pytest.mark.parametrize("cells", ["crossed", "assigned"])
def test_blocks_that_hold_every_talk_once_are_taken(cells: str) -> None:
    assert parse(study(cells, blocks=[CALM, TENSE], block_order="fixed"))
    assert parse(study(cells, blocks=[{"key": "own", "conditions": ["c0"]}, {"key": "other", "conditions": ["c1"]}]))


def test_blocks_by_prompt_and_condition_at_once_are_taken_where_all_are_crossed() -> None:
    blocks = [
        {"key": f"b{condition}{number}", "prompts": prompts, "conditions": [condition]}
        for condition in ("c0", "c1")
        for number, prompts in enumerate((["p0", "p1"], ["p2", "p3"]))
    ]
    assert parse(study(blocks=blocks))
    assert [problem.split(":")[0] for problem in found("assigned", blocks=blocks)] == [
        f"design.blocks[{number}]" for number in range(4)
    ]


def test_talk_without_a_block_or_with_two_is_named() -> None:
    assert found(blocks=[CALM]) == [
        "design.blocks: have no place for p2 under c0, p2 under c1, p3 under c0 and 1 more; "
        "every conversation belongs to one block"
    ]
    assert found(blocks=[CALM, TENSE, {"key": "own", "prompts": ["p0"], "conditions": ["c0"]}]) == [
        "design.blocks[2]: holds p0 under c0, which calm holds too; a conversation belongs to one block"
    ]


def test_pair_has_to_be_in_one_block_as_a_whole() -> None:
    pairs = [{"prompt": f"p{index}", "conditions": ["c0", "c1"]} for index in range(4)]
    assert parse(study("pairs", pairs, blocks=[CALM, TENSE]))
    by_condition = [{"key": "own", "conditions": ["c0"]}, {"key": "other", "conditions": ["c1"]}]
    assert found("pairs", pairs[:1], blocks=by_condition)[-3:] == [
        "design.blocks: have no place for pairs[0] (p0 under c0, c1); every conversation belongs to one block",
        "design.blocks[0]: own contains no conversation; leave it out",
        "design.blocks[1]: other contains no conversation; leave it out",
    ]


def test_names_that_are_not_there_are_told_with_what_was_meant() -> None:
    blocks = [{"key": "calm", "prompts": ["p0", "pp1"]}, {"key": "tense", "conditions": ["cc0"]}, {"key": "none"}]
    assert found(blocks=blocks) == [
        "design.blocks[0].prompts[1]: there is no prompt called 'pp1'; did you mean p1?",
        "design.blocks[1].conditions[0]: the design has no condition called 'cc0'; did you mean c0?",
        "design.blocks[2]: names no prompts and no conditions; state which conversations are in it",
    ]


@pytest.mark.parametrize(
    ("design", "problem"),
    [
        ({"block_by": "prompt", "blocks": [CALM, TENSE]}, "design.blocks: are written out, but block_by makes blocks"),
        ({"block_order": "latin"}, "design.block_order: orders blocks, but there are none"),
        ({"cells": "assigned", "order": "graeco_latin", "blocks": [CALM, TENSE]}, "design.blocks: is not possible: a"),
        ({"cells": "assigned", "order": "graeco_latin", "block_by": "prompt"}, "design.block_by: is not possible: a"),
    ],
)
def test_blocks_that_cannot_be_had(design: dict[str, Any], problem: str) -> None:
    (only,) = found(**design)
    assert only.startswith(problem)


def test_the_same_block_twice_is_told() -> None:
    assert found(blocks=[CALM, CALM | {"prompts": ["p2", "p3"]}]) == [
        "design.blocks[1].key: 'calm' already exists, at design.blocks[0].key; it must be unique"
    ]
