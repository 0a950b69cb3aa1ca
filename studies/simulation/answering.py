"""What a bot answers: whatever a participant could, drawn from its seed."""

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
"""How many of the answers that need not be given a bot does not give."""


def answer(item: AnyItem, draw: random.Random, sides: Sequence[str] = (), *, careless: bool = False) -> Answer:
    """A valid answer as it is kept; None for items without one, and now and then for those that need none. A bot passes
    the attention checks unless it is `careless`. `sides` are those of a pair that is compared."""
    if item.asks and not item.is_required and draw.random() < LEFT_OUT:
        return None
    if item.expected is not None and not careless:
        return item.expected
    return item.simulate(draw, sides)


def eligible_answers(protocol: Protocol, draw: random.Random) -> dict[str, Answer]:
    """Answers to all eligibility items with which nobody is screened out; the last ones drawn if no try succeeds."""
    items = [item for each in protocol.questionnaires_at("eligibility") for item in asked(each, protocol, None, seed=0)]
    answers: dict[str, Answer] = {}
    for _ in range(TRIES):
        answers = {item.key: answer(item, draw) for item in items}
        if not any(is_true(rule.when, answers) for rule in protocol.screen_out):
            break
    return answers


def matches(expected: Any, given: Any) -> bool:
    """Whether an answer came back as it was given. Numbers are compared by value."""
    if isinstance(expected, Mapping) and isinstance(given, Mapping):
        return expected.keys() == given.keys() and all(matches(expected[key], given[key]) for key in expected)
    if isinstance(expected, int | float) and isinstance(given, int | float):
        return math.isclose(expected, given)
    return bool(expected == given)
