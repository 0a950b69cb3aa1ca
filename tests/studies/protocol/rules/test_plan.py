"""Designs that cannot be planned."""

from __future__ import annotations

from typing import Any

import pytest

from studies.protocol.reading.document import parse
from tests.studies.protocol.rules.studies import crossed, problems


def test_square_that_cannot_be_balanced_says_what_would_do() -> None:
    assert problems(crossed(4, 3, design={"cells": "assigned"})) == [
        "design.cells: 4 prompts cannot be spread evenly over 3 conditions: every participant would meet some of "
        "them more often; have 3 or 6 prompts, or 2 or 4 conditions, or cells: crossed"
    ]
    assert parse(crossed(6, 3, design={"cells": "assigned"}))


@pytest.mark.parametrize("prompts", [2, 6, 10])
def test_graeco_latin_square_that_cannot_be_made(prompts: int) -> None:
    (found,) = problems(crossed(prompts, 2, design={"cells": "assigned", "order": "graeco_latin"}))
    assert found.startswith(f"design.order: a Graeco-Latin square of {prompts} prompts cannot be made")


@pytest.mark.parametrize("prompts", [1, 3, 4, 5, 7, 8, 9, 12, 15])
def test_graeco_latin_square_that_can_be_made(prompts: int) -> None:
    assert parse(crossed(prompts, prompts, design={"cells": "assigned", "order": "graeco_latin"}))


@pytest.mark.parametrize(
    ("design", "problem"),
    [
        (
            {"cells": "crossed", "order": "graeco_latin"},
            "design.order: graeco_latin belongs to cells: assigned, not crossed",
        ),
        ({"cells": "pairs"}, "pairs: is missing; a design of pairs needs at least one, or choose other design.cells"),
        ({"cells": "variants"}, "design.variants: is missing; write out at least one order of conversations"),
        (
            {"cells": "crossed", "variants": [{"key": "a", "trials": [{"prompt": "p0", "condition": "c0"}]}]},
            "design.variants: belongs to cells: variants, not crossed; change one of the two",
        ),
        ({"cells": "crossed", "repetitions": 20}, None),
    ],
)
def test_design_that_cannot_be_planned(design: dict[str, Any], problem: str | None) -> None:
    document = crossed(4, 4, design=design)
    if problem is None:
        assert problems(document) == [
            "design: makes 320 conversations for each participant; expected at most 250: have fewer "
            "prompts, conditions or repetitions"
        ]
    else:
        assert problems(document)[0].startswith(problem)


def variants(*trials: tuple[str, str], **changes: Any) -> dict[str, Any]:
    cells = [{"prompt": first, "condition": second} for first, second in trials]
    return crossed(2, 2, design={"cells": "variants", "variants": [{"key": "a", "trials": cells}]}, **changes)


def test_variant_that_tears_a_pair_apart() -> None:
    pairs = [{"prompt": "p0", "conditions": ["c0", "c1"]}]
    assert problems(variants(("p0", "c0"), ("p1", "c1"), pairs=pairs)) == [
        "design.variants[0].trials: has p0 under c0 but not under c1, which pairs[0] compares; add it, "
        "or leave out both"
    ]
    assert parse(variants(("p0", "c0"), ("p1", "c1"), ("p0", "c1"), pairs=pairs))


def test_variant_of_what_is_not_there() -> None:
    assert problems(variants(("p0", "c0"), ("p1", "c1"), ("p2", "c3"))) == [
        "design.variants[0].trials[2].prompt: there is no prompt called 'p2'; known: p0, p1",
        "design.variants[0].trials[2].condition: there is no condition called 'c3'; known: c0, c1",
    ]


def test_prompts_that_everybody_talks_about_once_cannot_be_compared() -> None:
    document = crossed(2, 2, design={"cells": "assigned"}, pairs=[{"prompt": "p0", "conditions": ["c0", "c1"]}])
    (found,) = problems(document)
    assert found.startswith("pairs[0]: can never be compared: with design.cells assigned")


def test_talk_that_two_pairs_need_has_to_come_twice() -> None:
    pairs = [{"prompt": "p0", "conditions": ["c0", "c1"]}, {"prompt": "p0", "conditions": ["c0", "c2"]}]
    (found,) = problems(crossed(1, 3, pairs=pairs))
    assert found.startswith(
        "pairs[1]: compares p0 under c0, which pairs[0] already compares; put all that is compared into one"
    )
    assert parse(crossed(1, 3, pairs=pairs, design={"cells": "crossed", "repetitions": 2}))


def test_crossed_pair_of_what_only_stands_in_would_never_be_compared() -> None:
    pairs = [{"prompt": "p0", "conditions": ["c0", "c2"]}]
    allocation = {"groups": [{"key": "a"}, {"key": "b", "replace": {"c1": "c2"}}]}
    assert problems(crossed(2, 3, pairs=pairs, allocation=allocation)) == [
        "pairs[0].conditions[1]: c2 only stands in for c1 in a group; name c1, and the pair follows"
    ]
