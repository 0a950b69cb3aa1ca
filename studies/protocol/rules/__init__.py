"""What ties the fields of a protocol together, one module for each part of a study.

keys.py        keys that may stand once
columns.py     columns of the exports that items make, each of one thing
kinds.py       what belongs to planned studies, and what to explore studies
catalogue.py   engines, their options, presets, converters, what is offered of them, and the consent they take
talks.py       prompts, conditions, pairs, practice: what they refer to, and that all of it is used
plan.py        the design, its variants and its blocks: orders and squares that exist, every talk in one block
spreading.py   groups, strata, quotas: how people are spread over the orders
questions.py   questionnaires, and what the question types find wrong with their items
logic.py       conditions on answers: asked before, possible, and each rule at once with the others
asking.py      when each item is asked, and about what
visit.py       screening, device check, recruiter
"""

from __future__ import annotations

from itertools import chain

from inference.contract.catalog import ENGINES
from studies.errors import Problem
from studies.protocol.languages import check_translations
from studies.protocol.rules import (
    catalogue,
    columns,
    keys,
    kinds,
    logic,
    plan,
    questions,
    spreading,
    talks,
    visit,
)
from studies.protocol.schema import Protocol

__all__ = ["check", "check_publishable"]


def check(protocol: Protocol) -> list[Problem]:
    """Everything wrong with a protocol whose fields are each all right."""
    unknown = list(catalogue.check(protocol))
    return [
        *keys.check(protocol),
        *columns.check(protocol),
        *kinds.check(protocol),
        *talks.check(protocol),
        *unknown,
        *chain(plan.check(protocol), spreading.check(protocol)),
        *chain(questions.check(protocol), logic.check(protocol)),
        *visit.check(protocol),
        *check_translations(protocol),
        *(() if unknown else catalogue.check_consent(protocol)),  # voices that convert are known by right names
    ]


def check_publishable(protocol: Protocol) -> list[Problem]:
    """What keeps a valid protocol from being published: a plan with engines that do not answer. Visitors of an explore
    study may choose them."""
    return [
        Problem(path, f"{ENGINES[engine].label} is for tests and set-up; choose another engine to publish")
        for path, engine in catalogue.engines_of(protocol)
        if not ENGINES[engine].selectable and protocol.kind == "planned"
    ]
