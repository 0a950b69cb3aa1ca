"""Conditions on answers: of items that are asked before, in the same talk or pair, and that can be answered so; and
not of rules that hold one by one but never all at once: nobody is both 20 and 30 years old."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise

from studies.errors import Problem
from studies.protocol.reading.problems import nearest, path_of, suggestion
from studies.protocol.rules.asking import BEFORE_TRIALS, Asked, asked_items, scope_of, start_of, study_of
from studies.protocol.schema import Protocol
from studies.questions.conditions import Answers, Rule, Value, When, is_same
from studies.questions.fields import Place
from studies.questions.question import Scope
from studies.questions.registry import AnyItem

TESTS = ("equals", "one_of", "none_of", "at_least", "at_most", "answered")
RANGE = ["at_least", "at_most"]
Obstacle = Callable[[Asked], str | None]
"""Why an item cannot be referred to, in words that follow its name; None: it can."""


def check(protocol: Protocol) -> Iterator[Problem]:
    items = {asked.item.key: asked for asked in asked_items(protocol)}
    for place, when, obstacle, may_be_empty in _conditions(protocol):
        if not when.all and not when.any and not may_be_empty:
            yield Problem(path_of(place), "has no rules; add some under all or any, or leave it out")
        problems = [
            problem
            for name, rules in (("all", when.all), ("any", when.any))
            for index, rule in enumerate(rules)
            for problem in check_rule(rule, (*place, name, index), items, obstacle, protocol)
        ]
        yield from problems or check_clashes(when, place, items, protocol)


def before_trials(asked: Asked) -> str | None:
    if asked.moment in BEFORE_TRIALS:
        return None
    return f"is asked at {asked.moment}; participants are assigned to orders before their first conversation"


def check_rule(
    rule: Rule, place: Place, items: Mapping[str, Asked], obstacle: Obstacle, protocol: Protocol
) -> Iterator[Problem]:
    """What is wrong with one rule."""
    given = [name for name in TESTS if getattr(rule, name) is not None]
    if not given:
        yield Problem(path_of(place), f"contains no test of {rule.item}; add one of {', '.join(TESTS)}")
    elif len(given) > 1 and given != RANGE:
        together = " and ".join(given)
        yield Problem(
            path_of(place), f"has {together}; keep one of them here, and write a separate rule for each other one"
        )
    yield from _check_range(rule, place)
    key, _, row = rule.item.partition(".")
    if key not in items:
        names = [name for name in items if items[name].item.asks]
        message = f"there is no item called {key!r}; {suggestion(key, names)}"
        yield Problem(path_of((*place, "item")), message)
        return
    asked = items[key]
    reason = obstacle(asked)
    if reason is not None:
        yield Problem(path_of((*place, "item")), f"{key} {reason}")
    yield from _check_answers(rule, place, asked, row, protocol)


def check_values(
    values: list[Value], place: Place, possible: Answers, of: str, *, number_from: int | None = None
) -> Iterator[Problem]:
    """Values that no answer to the item `of` can be. `number_from`: the place is a list, whose parts are named."""
    for index, value in enumerate(values):
        if not possible.has(value):
            where = place if number_from is None else (*place, index + number_from)
            near = nearest(value, map(str, possible.values)) if isinstance(value, str) else None
            meant = f"; did you mean {near}?" if near is not None else ""
            yield Problem(path_of(where), f"is {value!r}, which {of} cannot be; expected {possible.in_words()}{meant}")


def _check_range(rule: Rule, place: Place) -> Iterator[Problem]:
    if rule.at_least is not None and rule.at_most is not None and rule.at_least > rule.at_most:
        yield Problem(path_of((*place, "at_most")), f"is {rule.at_most:g}, below at_least, {rule.at_least:g}")
    for name in ("one_of", "none_of"):
        if getattr(rule, name) == []:
            yield Problem(path_of((*place, name)), "is empty; list at least one answer")


def _check_answers(rule: Rule, place: Place, asked: Asked, row: str, protocol: Protocol) -> Iterator[Problem]:
    item = asked.item
    if not item.asks:
        yield Problem(path_of((*place, "item")), f"{item.key} is a {item.type}, which has no answer")
        return
    possible = item.possible_in_row() if row else item.possible(study_of(protocol))
    if row and item.row_keys:
        if row not in item.row_keys:
            told = suggestion(row, item.row_keys)
            yield Problem(path_of((*place, "item")), f"{item.key} has no row {row!r}; {told}")
            return
    elif row:
        yield Problem(path_of((*place, "item")), f"{item.key} has no rows; write {item.key} alone")
        return
    if possible is None:
        if any(getattr(rule, name) is not None for name in TESTS if name != "answered"):
            yield Problem(path_of((*place, "item")), _only_answered(item))
        return
    if rule.equals is not None:
        yield from check_values([rule.equals], (*place, "equals"), possible, rule.item)
    for name in ("one_of", "none_of"):
        yield from check_values(getattr(rule, name) or [], (*place, name), possible, rule.item, number_from=0)
    for name in RANGE:
        bound = getattr(rule, name)
        if bound is not None and not possible.numbers:
            message = f"asks for a number, which {rule.item} cannot be; expected {possible.in_words()}"
            yield Problem(path_of((*place, name)), message)
        elif bound is not None and not _can_differ(name, bound, possible):
            message = f"is {bound:g}, which {rule.item} never reaches; expected {possible.in_words()}"
            yield Problem(path_of((*place, name)), message)


def _only_answered(item: AnyItem) -> str:
    if item.row_keys:
        one = f"{item.key}.{item.row_keys[0]}"
        return f"{item.key} has an answer for each row; name one of them, such as {one}, or ask whether it was answered"
    return "can only be asked whether it was answered; write answered: true or answered: false"


def _can_differ(name: str, bound: float, possible: Answers) -> bool:
    """Whether some answer meets the bound."""
    if possible.low is None or possible.high is None:
        return False
    return bound <= possible.high if name == "at_least" else bound >= possible.low


def _conditions(protocol: Protocol) -> Iterator[tuple[Place, When, Obstacle, bool]]:
    """(place, condition, what keeps an item from being referred to there, whether it may have no rules)."""
    for index, screen in enumerate(protocol.screen_out):
        yield ("screen_out", index, "when"), screen.when, _at_eligibility, False
    for number, questionnaire in enumerate(protocol.questionnaires):
        if questionnaire.show_if is not None:
            obstacle = _answered_before(start_of(protocol, number), scope_of(questionnaire.at))
            yield ("questionnaires", number, "show_if"), questionnaire.show_if, obstacle, False
    for asked in asked_items(protocol):
        if asked.item.show_if is not None:
            yield (*asked.place, "show_if"), asked.item.show_if, _answered_before(asked.turn, asked.scope), False
    for index, quota in enumerate(protocol.quotas):
        yield ("quotas", index, "when"), quota.when, before_trials, True


def _at_eligibility(asked: Asked) -> str | None:
    if asked.moment == "eligibility":
        return None
    return f"is asked at {asked.moment}; people are screened out only by answers given at eligibility"


def _answered_before(turn: tuple[int, int, int], scope: Scope) -> Obstacle:
    def obstacle(asked: Asked) -> str | None:
        if asked.scope not in ("visit", scope):
            return f"is asked of each {asked.scope}, and here it is not clear which {asked.scope} is meant"
        if asked.turn == turn:
            return "is the item itself; refer to an earlier one"
        if asked.turn > turn:
            return "is asked later; refer to an earlier one"
        return None

    return obstacle


def check_clashes(when: When, place: Place, items: Mapping[str, Asked], protocol: Protocol) -> Iterator[Problem]:
    """For a condition whose rules are each all right."""
    about: defaultdict[str, list[Rule]] = defaultdict(list)
    for rule in when.all:
        about[rule.item].append(rule)
    for name, rules in about.items():
        possible = _answers(name, items, protocol)
        if len(rules) < 2 or possible is None:
            continue
        if not any(all(_holds(rule, value) for rule in rules) for value in _examples(possible, rules)):
            yield Problem(
                path_of((*place, "all")), f"can never be true: no answer to {name} satisfies all of its rules"
            )


def _answers(name: str, items: Mapping[str, Asked], protocol: Protocol) -> Answers | None:
    """None for items that have several answers, or none to compare with."""
    key, _, row = name.partition(".")
    item = items[key].item
    if item.has_several:
        return None
    return item.possible_in_row() if row and item.row_keys else item.possible(study_of(protocol))


def _examples(possible: Answers, rules: Sequence[Rule]) -> list[Value | None]:
    """An answer of every kind that the rules could tell apart; None for no answer."""
    named = [value for rule in rules for value in (rule.equals, *(rule.one_of or ()), *(rule.none_of or ()))]
    bounds = [bound for rule in rules for bound in (rule.at_least, rule.at_most)]
    marks = sorted(
        value
        for value in {0, possible.low, possible.high, *named, *bounds}
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    )
    numbers: list[float] = [marks[0] - 1, *marks, *((low + high) / 2 for low, high in pairwise(marks)), marks[-1] + 1]
    if possible.whole:
        numbers = [math.floor(mark) + step for mark in marks for step in (-1, 0, 1, 2)]
    values = [*possible.values, *named, *numbers, "an answer that no rule names"]
    return [None, *(value for value in values if value is not None and possible.has(value))]


def _holds(rule: Rule, value: Value | None) -> bool:
    if rule.answered is not None:
        return rule.answered is (value is not None)
    if value is None:
        return rule.none_of is not None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return (
        (rule.equals is None or is_same(value, rule.equals))
        and (rule.one_of is None or any(is_same(value, one) for one in rule.one_of))
        and (rule.none_of is None or not any(is_same(value, one) for one in rule.none_of))
        and (rule.at_least is None or (is_number and value >= rule.at_least))  # type: ignore[operator]
        and (rule.at_most is None or (is_number and value <= rule.at_most))  # type: ignore[operator]
    )
