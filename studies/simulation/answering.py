"""What a bot answers: anything a participant could, drawn from its seed, awkward texts among it."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from studies.design.questions import NO_DIFFERENCE, OTHER, VISUAL_ANALOGUE_MAX, asked, is_true
from studies.errors import SimulationError
from studies.protocol.items import (
    AnyItem,
    Choices,
    Date,
    Likert,
    LongText,
    MultipleChoice,
    Number,
    Playback,
    Preference,
    SelfAssessmentManikin,
    SemanticDifferential,
    ShortText,
    SingleChoice,
    Switch,
    VisualAnalogue,
)
from studies.protocol.schema import Protocol

TEXTS: Final = ('=1+1 <b>noted</b>, "quoted"', "-5 and Ünïcödé, 漢字", "@home; two\nlines", "nothing, really")
TRIES: Final = 200
HEARD_SEC: Final = 3_600.0  # to the end, however long it is


def answer(item: AnyItem, draw: random.Random, sides: Sequence[str] = (), *, careless: bool = False) -> Any:
    """A valid answer, as `studies.design.questions` says it is kept; None for items without one, and now and then for
    those that need none. Attention checks are passed unless it is `careless`. `sides`: of a pair that is compared."""
    if getattr(item, "required", True) is False and draw.random() < 0.3:
        return None
    expected = getattr(item, "expect", None)
    if expected is not None and not careless:
        return expected
    match item:
        case SingleChoice() | MultipleChoice():
            return _choice(item, draw)
        case Likert():
            return draw.choice([*range(1, item.points + 1), *(option.key for option in item.extra)])
        case VisualAnalogue():
            return draw.randint(0, VISUAL_ANALOGUE_MAX)
        case SemanticDifferential():
            return {row.key: draw.randint(1, item.points) for row in item.rows}
        case SelfAssessmentManikin():
            return draw.randint(1, item.points)
        case Number():
            return _number(item, draw)
        case ShortText():
            return draw.choice([text for text in TEXTS if "\n" not in text])[: item.max_length].strip()
        case LongText():
            return draw.choice(TEXTS)[: item.max_length].strip()
        case Switch():
            return draw.random() < 0.5
        case Date():
            return _day(item, draw)
        case Playback():
            return {"plays": 1, "listened_sec": HEARD_SEC}
        case Preference():
            return draw.choice([*sides, *([NO_DIFFERENCE] if item.no_difference else [])])
        case _:
            return None


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


def eligible_answers(protocol: Protocol, draw: random.Random) -> dict[str, Any]:
    """Answers to all eligibility items that screen nobody out; as drawn where none of so many tries was let in."""
    items = [item for each in protocol.questionnaires_at("eligibility") for item in asked(each, protocol, None, seed=0)]
    answers: dict[str, Any] = {}
    for _ in range(TRIES):
        answers = {item.key: answer(item, draw) for item in items}
        if not any(is_true(rule.when, answers) for rule in protocol.screen_out):
            break
    return answers


def matches(expected: Any, given: Any) -> bool:
    """Whether an answer came back as it was given; numbers by value."""
    if isinstance(expected, Mapping) and isinstance(given, Mapping):
        return expected.keys() == given.keys() and all(matches(expected[key], given[key]) for key in expected)
    if isinstance(expected, int | float) and isinstance(given, int | float):
        return math.isclose(expected, given)
    return bool(expected == given)


def _choice(item: Choices, draw: random.Random) -> Any:
    if item.options == "scenarios":
        raise SimulationError(f"the options of {item.key} are not written out")
    keys = [option.key for option in item.options if not isinstance(option, str)]
    if isinstance(item, SingleChoice):
        return {OTHER: draw.choice(TEXTS[:2])} if item.other and draw.random() < 0.2 else draw.choice(keys)
    assert isinstance(item, MultipleChoice)
    fewest = max(item.min_choices, 1)
    most = max(fewest, min(len(keys), item.max_choices or len(keys)))
    chosen = set(draw.sample(keys, draw.randint(fewest, most)))
    own = item.other is not None and len(chosen) < (item.max_choices or len(keys) + 1) and draw.random() < 0.2
    return [*(key for key in keys if key in chosen), *([{OTHER: draw.choice(TEXTS[:2])}] if own else [])]


def _number(item: Number, draw: random.Random) -> float | int:
    low = item.min if item.min is not None else (item.max - 50 if item.max is not None else 0)
    high = item.max if item.max is not None else low + 50
    if item.whole:
        return draw.randint(math.ceil(low), math.floor(high))
    return min(high, max(low, round(draw.uniform(low, high), 2)))


def _day(item: Date, draw: random.Random) -> str:
    first = date.fromisoformat(item.min) if item.min else date(1950, 1, 1)
    last = date.fromisoformat(item.max) if item.max else max(first, date(2020, 12, 31))
    return (first + timedelta(days=draw.randint(0, (last - first).days))).isoformat()
