"""What scales share: points, answers beside the scale, and scores that may be reversed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from studies.questions.conditions import is_number
from studies.questions.options import ChoiceOption, named
from studies.questions.question import Fault
from studies.questions.reading import read_number, refuse


def read_point(value: object, points: int) -> int:
    """A whole number from 1. Raises ValidationError."""
    number = read_number(value, whole=True)
    if not 1 <= number <= points:
        refuse()
    return int(number)


def read_extra(extra: Sequence[ChoiceOption], value: object) -> str | None:
    """An answer beside the scale; None for any other."""
    return value if isinstance(value, str) and any(option.key == value for option in extra) else None


def extra_faults(extra: Sequence[ChoiceOption]) -> Iterator[Fault]:
    for index, option in enumerate(extra):
        if option.key.replace("_", "").isdigit():
            yield Fault(("extra", index, "key"), f"{option.key!r} looks like a point of the scale; choose a word")


def score_of(value: object, *, both_ends: float, reverse: bool) -> float | None:
    """A number on a scale whose ends add up to `both_ends`; None for answers beside the scale."""
    if not isinstance(value, int | float) or not is_number(value):
        return None
    return both_ends - value if reverse else value


def levels(scale: str, extra: Sequence[ChoiceOption]) -> str:
    """What the numbers of a column mean, and the answers beside them."""
    return f"{scale}; beside it {named(extra)}" if extra else scale


def score_meaning(asked: str, *, reverse: bool) -> str:
    return f"{asked}, reversed: a higher number is a higher score" if reverse else f"{asked}, where it is on the scale"
