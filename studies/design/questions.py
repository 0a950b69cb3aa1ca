"""Decides which items a page asks, in which order, and which of them earlier answers hide."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from studies.protocol.questionnaires import Questionnaire
from studies.protocol.schema import Protocol
from studies.questions.conditions import is_true, items_of
from studies.questions.registry import AnyItem


def asked(
    questionnaire: Questionnaire, protocol: Protocol, prompt: str | None, seed: int, scope: str = ""
) -> list[AnyItem]:
    """The items of one page in the order they are shown, with their options written out and in order too.

    `prompt` is the key of the prompt of the trial or pair. It is None elsewhere, where no item is asked that belongs to
    some prompts alone. `seed` is that of the session, and `scope` names the page, which has an order of its own. The
    same arguments give the same page. Items that earlier answers hide are still among them (see `visible`)."""
    rows = [(item, [*_inserted(questionnaire, item.key, prompt)]) for item in questionnaire.items]
    units = [
        [each for each in (item, *inserted) if _belongs(each, prompt)]
        for item, inserted in rows
        if _belongs(item, prompt) or inserted
    ]
    draw = random.Random(f"{seed}:{questionnaire.key}:{scope}")  # noqa: S311  balance, not secrecy
    if questionnaire.random_order:
        units = _shuffled_units(units, draw)
    scenarios = scenarios_of(protocol)

    def written_out(item: AnyItem) -> AnyItem:
        own = random.Random(f"{seed}:{item.key}:{scope}")  # noqa: S311  balance, not secrecy
        return item.written_out(scenarios, own)

    return [written_out(item) for unit in units for item in unit]


def visible(items: Sequence[AnyItem], answers: Mapping[str, Any]) -> list[AnyItem]:
    """The items of a page that no answer hides. For an item that depends on a hidden one, that one is not answered."""
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


def scenarios_of(protocol: Protocol) -> dict[str, str]:
    """Key -> title of the prompts that are not for practice; of all prompts where there are no others."""
    prompts = [prompt for prompt in protocol.prompts if prompt.study_role == "analytical"] or protocol.prompts
    return {prompt.key: prompt.title for prompt in prompts}


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
    return not unit[0].asks
