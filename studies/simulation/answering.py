"""The answers of a bot: any that a participant could give, drawn from the bot's seed."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any, Final

from studies.design.questions import asked
from studies.protocol.schema import Protocol
from studies.questions.answer import Answer
from studies.questions.conditions import is_true
from studies.questions.registry import AnyItem

TRIES: Final = 200
LEFT_OUT: Final = 0.3
"""The probability that a bot leaves out an optional answer."""


def answer(item: AnyItem, draw: random.Random, sides: Sequence[str] = (), *, careless: bool = False) -> Answer:
    """Returns a valid answer as it is stored; None for items that take none, and sometimes for optional ones.

    A bot passes attention checks unless it is `careless`. `sides` are the sides of the pair that is compared."""
    if item.asks and not item.is_required and draw.random() < LEFT_OUT:
        return None
    if item.expected is not None and not careless:
        return item.expected
    return item.simulate(draw, sides)


def eligible_answers(protocol: Protocol, draw: random.Random) -> dict[str, Answer]:
    """Returns answers to all eligibility items that do not screen the bot out, or the last ones drawn if none of TRIES
    attempts succeeds."""
    items = [item for each in protocol.questionnaires_at("eligibility") for item in asked(each, protocol, None, seed=0)]
    answers: dict[str, Answer] = {}
    for _ in range(TRIES):
        answers = {item.key: answer(item, draw) for item in items}
        if not any(is_true(rule.when, answers) for rule in protocol.screen_out):
            break
    return answers


def matches(expected: Any, given: Any) -> bool:
    """Whether an exported answer equals the given one. Numbers are compared by value."""
    if isinstance(expected, Mapping) and isinstance(given, Mapping):
        return expected.keys() == given.keys() and all(matches(expected[key], given[key]) for key in expected)
    if isinstance(expected, int | float) and isinstance(given, int | float):
        return math.isclose(expected, given)
    return bool(expected == given)
