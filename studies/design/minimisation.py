"""Minimisation: chooses the arm in which a new participant makes the groups most alike in their characteristics.

S. J. Pocock & R. Simon, 1975, Sequential treatment assignment with balancing for prognostic factors in the controlled
clinical trial, Biometrics 31, 103-115."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Final, Literal

Measure = Literal["range", "variance"]


def _range(counts: Sequence[int]) -> Fraction:
    return Fraction(max(counts) - min(counts))


def _variance(counts: Sequence[int]) -> Fraction:
    """Returns the variance about the mean, divided by the number of arms."""
    mean = Fraction(sum(counts), len(counts))
    return sum(((count - mean) ** 2 for count in counts), Fraction(0)) / len(counts)


MEASURES: Final[dict[Measure, Callable[[Sequence[int]], Fraction]]] = {"range": _range, "variance": _variance}


def imbalances(
    arms: Sequence[int], alike: Sequence[Mapping[int, int]], measure: Measure = "range"
) -> dict[int, Fraction]:
    """For each arm, how unlike the arms would be with the newcomer in it: the sum over the factors of the measure.

    `alike`: for each factor, how many people of the newcomer's level each arm has already (missing: none)."""
    spread = MEASURES[measure]
    return {
        arm: sum((spread([counts.get(each, 0) + (each == arm) for each in arms]) for counts in alike), Fraction(0))
        for arm in arms
    }


def probabilities(
    arms: Sequence[int], alike: Sequence[Mapping[int, int]], probability: float, measure: Measure = "range"
) -> dict[int, float]:
    """Of each arm. The best arms share `probability`, and never have less than as many equally likely arms would; the
    others share the rest. Where all are as good, all are as likely. Raises ValueError for no arm."""
    if not arms:
        raise ValueError("there is no arm to choose from")
    unlike = imbalances(arms, alike, measure)
    best = [arm for arm in arms if unlike[arm] == min(unlike.values())]
    if len(best) == len(arms):
        return {arm: 1 / len(arms) for arm in arms}
    share = max(probability, len(best) / len(arms))
    rest = (1 - share) / (len(arms) - len(best))
    return {arm: share / len(best) if arm in best else rest for arm in arms}


def nested_probabilities(
    groups: Sequence[Sequence[int]], alike: Sequence[Mapping[int, int]], probability: float, measure: Measure = "range"
) -> dict[int, float]:
    """Of each arm, where arms are the rows of groups: the groups are made alike first, then the rows of each. Many rows
    would else leave it to chance which group few people get into. Raises ValueError for no arm."""
    numbers = range(len(groups))
    in_groups = [{number: sum(counts.get(arm, 0) for arm in groups[number]) for number in numbers} for counts in alike]
    of_groups = probabilities(numbers, in_groups, probability, measure)
    return {
        arm: of_groups[number] * chance
        for number in numbers
        for arm, chance in probabilities(groups[number], alike, probability, measure).items()
    }


def drawn(chances: Mapping[int, float], draw: random.Random) -> int:
    """Draws one arm with the given probabilities."""
    return draw.choices(list(chances), weights=list(chances.values()))[0]
