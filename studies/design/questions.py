"""What is asked on a page, in which order, what earlier answers hide of it, and what an answer counts for.

How answers are kept, by the type of the item:

    single_choice            key of the option; {"other": words} for an answer of one's own
    multiple_choice          list of keys in the order of the options, at its end {"other": words} where given
    likert                   point, or the key of an extra answer
    visual_analogue          0 to 100, or the key of an extra answer
    semantic_differential    {row: point}
    self_assessment_manikin  point
    number                   number
    short_text, long_text    text
    switch                   true or false
    date                     "2026-12-31"
    playback                 {"plays": how often it was started, "listened_sec": how much of it was heard}
    preference               side ("A"), or "none"

None stands for no answer, and for one that was taken back."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from studies.protocol.items import (
    AnyItem,
    ChoiceOption,
    Choices,
    Likert,
    Notice,
    Questionnaire,
    Rule,
    SelfAssessmentManikin,
    SemanticDifferential,
    SingleChoice,
    Switch,
    VisualAnalogue,
    When,
)
from studies.protocol.schema import Protocol

OTHER: Final = "other"
"""What a rule calls an answer in one's own words."""
NO_DIFFERENCE: Final = "none"
VISUAL_ANALOGUE_MAX: Final = 100

T = TypeVar("T")


def is_true(when: When | None, answers: Mapping[str, Any]) -> bool:
    """Whether a condition holds of answers by item; one that says nothing always does."""
    if when is None:
        return True
    return all(_holds(rule, answers) for rule in when.all) and (
        not when.any or any(_holds(rule, answers) for rule in when.any)
    )


def items_of(when: When | None) -> set[str]:
    """Keys of the items that a condition depends on."""
    rules = [*when.all, *when.any] if when is not None else []
    return {rule.item.partition(".")[0] for rule in rules}


def asked(
    questionnaire: Questionnaire, protocol: Protocol, prompt: str | None, seed: int, scope: str = ""
) -> list[AnyItem]:
    """The items of one page in the order they are shown, options written out and in the order they are shown.

    `prompt`: key of that of the trial or pair; None outside of them, where no item for some prompts alone is asked.
    `seed`: of the session; `scope` names the page, and each page has an order of its own. The same arguments give the
    same page. What earlier answers hide is still among them (see `visible`)."""
    rows = [(item, [*_inserted(questionnaire, item.key, prompt)]) for item in questionnaire.items]
    units = [
        [each for each in (item, *inserted) if _belongs(each, prompt)]
        for item, inserted in rows
        if _belongs(item, prompt) or inserted
    ]
    draw = random.Random(f"{seed}:{questionnaire.key}:{scope}")  # noqa: S311  balance, not secrecy
    if questionnaire.random_order:
        units = _shuffled_units(units, draw)
    return [_written_out(item, protocol, f"{seed}:{item.key}:{scope}") for unit in units for item in unit]


def visible(items: Sequence[AnyItem], answers: Mapping[str, Any]) -> list[AnyItem]:
    """Those of a page that are not hidden by answers. What is hidden counts as not answered for what depends on it."""
    page = {item.key: item for item in items}
    shown: dict[str, bool] = {}

    def is_shown(key: str) -> bool:
        if key not in shown:
            shown[key] = True  # what depends on itself, which no valid protocol has, is shown
            when = page[key].show_if
            hidden = {other for other in items_of(when) if other in page and not is_shown(other)}
            shown[key] = is_true(when, {item: value for item, value in answers.items() if item not in hidden})
        return shown[key]

    return [item for item in items if is_shown(item.key)]


def is_answered(value: Any) -> bool:
    return value is not None and value != "" and value != [] and value != {}


def scored(item: AnyItem, value: Any) -> Any:
    """What an answer on a scale counts for, reversed where the item (or a row of it) says so: a number, or one for each
    row. None for answers beside the scale, and for items that have none."""
    match item:
        case Likert() | SelfAssessmentManikin():
            return _reversed(value, item.points + 1, item.reverse)
        case VisualAnalogue():
            return _reversed(value, VISUAL_ANALOGUE_MAX, item.reverse)
        case SemanticDifferential():
            given = value if isinstance(value, Mapping) else {}
            return {row.key: _reversed(given.get(row.key), item.points + 1, row.reverse) for row in item.rows}
        case _:
            return None


def is_attention_check(item: AnyItem) -> bool:
    return isinstance(item, SingleChoice | Likert | Switch) and item.expect is not None


def fails(item: AnyItem, value: Any) -> bool:
    """Whether this is the wrong answer to an attention check; no answer is none."""
    if not isinstance(item, SingleChoice | Likert | Switch) or item.expect is None or not is_answered(value):
        return False
    return not _same(value, item.expect)


def options_of(item: Choices, protocol: Protocol) -> list[ChoiceOption]:
    """The options of a choice as written; of “scenarios” the prompts that are not for practice, by their titles."""
    if item.options != "scenarios":
        return list(item.options)
    prompts = [prompt for prompt in protocol.prompts if prompt.study_role == "analytical"] or protocol.prompts
    return [ChoiceOption(key=prompt.key, label=prompt.title) for prompt in prompts]


def _holds(rule: Rule, answers: Mapping[str, Any]) -> bool:
    given = _given(rule.item, answers)
    answered = bool(given.values) or given.answered
    if rule.answered is False:
        return not answered
    if not answered:
        return rule.none_of is not None and rule.equals is None and rule.one_of is None and _unbounded(rule)
    numbers = [value for value in given.values if _is_number(value)]
    return (
        (rule.equals is None or _among(given.values, [rule.equals]))
        and (rule.one_of is None or _among(given.values, rule.one_of))
        and (rule.none_of is None or not _among(given.values, rule.none_of))
        and (rule.at_least is None or any(value >= rule.at_least for value in numbers))
        and (rule.at_most is None or any(value <= rule.at_most for value in numbers))
    )


@dataclass(frozen=True, slots=True)
class _Given:
    answered: bool = False
    values: list[Any] = field(default_factory=list)


def _given(name: str, answers: Mapping[str, Any]) -> _Given:
    """The values of an item, or of a row of it (`item.row`)."""
    key, _, row = name.partition(".")
    value = answers.get(key)
    if row:
        value = value.get(row) if isinstance(value, Mapping) else None
    if not is_answered(value):
        return _Given()
    parts = value if isinstance(value, list) else [value]
    words = [OTHER for part in parts if isinstance(part, Mapping) and OTHER in part]
    return _Given(True, [part for part in parts if not isinstance(part, Mapping)] + words)


def _unbounded(rule: Rule) -> bool:
    return rule.at_least is None and rule.at_most is None and rule.answered is None


def _among(values: Iterable[Any], wanted: Iterable[Any]) -> bool:
    wanted = list(wanted)
    return any(_same(value, one) for value in values for one in wanted)


def _same(value: Any, other: Any) -> bool:
    """Yes is not 1, though Python holds them equal."""
    return isinstance(value, bool) == isinstance(other, bool) and bool(value == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _reversed(value: Any, total: int, reverse: bool) -> float | None:
    if not _is_number(value):
        return None
    return total - value if reverse else value  # type: ignore[no-any-return]


def _belongs(item: AnyItem, prompt: str | None) -> bool:
    return item.prompts is None or prompt in item.prompts


def _inserted(questionnaire: Questionnaire, after: str, prompt: str | None) -> list[AnyItem]:
    return [
        item
        for insertion in questionnaire.insertions
        if insertion.insert_after == after and prompt in insertion.prompts
        for item in insertion.items
        if _belongs(item, prompt)
    ]


def _shuffled_units(units: list[list[AnyItem]], draw: random.Random) -> list[list[AnyItem]]:
    """Notices keep their places; what is shown or not by an answer on the page moves together with what it follows."""
    together: list[list[AnyItem]] = []
    for unit in units:
        names = set().union(*(items_of(item.show_if) for item in unit))
        leads = [group for group in together if not _stays(group) and names & {item.key for item in group}]
        if not leads or _stays(unit):
            together.append(list(unit))
            continue
        for lead in leads[1:]:
            leads[0].extend(lead)
            together.remove(lead)
        leads[0].extend(unit)
    movable = [group for group in together if not _stays(group)]
    draw.shuffle(movable)
    rest = iter(movable)
    return [group if _stays(group) else next(rest) for group in together]


def _stays(unit: Sequence[AnyItem]) -> bool:
    return isinstance(unit[0], Notice)


def _written_out(item: AnyItem, protocol: Protocol, seed: str) -> AnyItem:
    draw = random.Random(seed)  # noqa: S311  balance, not secrecy
    if isinstance(item, Choices):
        options = options_of(item, protocol)
        return item.model_copy(update={"options": _order(options, item.random_order, draw)})
    if isinstance(item, SemanticDifferential):
        return item.model_copy(update={"rows": _order(item.rows, item.random_order, draw)})
    return item


def _order(parts: list[T], is_random: bool, draw: random.Random) -> list[T]:
    return draw.sample(parts, len(parts)) if is_random else parts
