"""What a bot answers: whatever a participant could, drawn from its seed."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Any, Final

from studies.design.questions import asked
from studies.protocol.schema import Protocol
from studies.questions.answer import Answer
from studies.questions.conditions import OTHER, is_true
from studies.questions.registry import AnyItem
from studies.questions.types.multiple_choice import MultipleChoice
from studies.questions.types.playback import Playback
from studies.questions.types.semantic_differential import SemanticDifferential
from studies.questions.types.single_choice import SingleChoice
from studies.questions.types.switch import Switch

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


def form_fields(item: AnyItem, value: Any) -> dict[str, Any]:
    """What a form sends for an answer (see `studies.participant.answering.values`); nothing where there is none."""
    key = item.key
    if value is None:
        return {}
    match item:
        case SingleChoice() | MultipleChoice():
            parts = value if isinstance(value, list) else [value]
            own = [part[OTHER] for part in parts if isinstance(part, Mapping)]
            chosen = [OTHER if isinstance(part, Mapping) else part for part in parts]
            return {key: chosen, **({f"{key}.{OTHER}": own[0]} if own else {})}
        case SemanticDifferential():
            return {f"{key}.{row}": str(point) for row, point in value.items()}
        case Switch():
            return {key: "true" if value else "false"}
        case Playback():
            return {f"{key}.{name}": str(number) for name, number in value.items()}
        case _:
            return {key: str(value)}


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
