"""What the rules of a question type may ask about the study and the moment it stands in."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Scope = Literal["visit", "talk", "pair"]


@dataclass(frozen=True, slots=True)
class Study:
    """`scenarios` are the titles of the analytical prompts by their keys, `limits_sec` the longest talk about each
    prompt, and `pairs` the prompt and the conditions of each pair. `has_several_talks` says whether one participant
    talks about a prompt under several conditions."""

    kind: str
    scenarios: Mapping[str, str]
    limits_sec: Mapping[str, float]
    conditions: Collection[str]
    pairs: Sequence[tuple[str, Collection[str]]]
    has_several_talks: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Occasion:
    """When a question is asked. `prompts` are the lists that narrow down what it is asked about: that of its
    questionnaire and its own."""

    moment: str
    scope: Scope
    before_first_talk: bool
    prompts: Sequence[Collection[str]]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a question in its study. `place` leads from the question to the field. For an `unknown` name
    the message ends with the one of `known` that is spelt most like it."""

    place: tuple[str | int, ...]
    message: str
    unknown: str | None = None
    known: Collection[str] = ()
