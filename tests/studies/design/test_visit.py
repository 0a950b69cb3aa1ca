"""The pages of a visit, in order."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.design.plan import PlannedTrial, plan_trials
from studies.design.visit import Page, pages
from studies.protocol.questionnaires import MOMENTS
from studies.protocol.reading.document import parse
from studies.protocol.schema import Protocol
from tests.studies.protocol.documents import explore, paired, paired_with

PREFERENCE = {"type": "preference", "key": "item-after_pair", "text": "Which?"}


def whole() -> dict[str, Any]:
    """A study that asks something at every moment, practises first, and pauses after each pair."""
    items = {
        moment: PREFERENCE
        if moment == "after_pair"
        else {"type": "short_text", "key": f"item-{moment}", "text": "What?"}
        for moment in MOMENTS
    }
    document = paired_with(2)
    document["prompts"].append({"key": "hello", "title": "Hello", "card": "Hello.", "study_role": "practice"})
    return document | {
        "practice": [{"prompt": "hello", "condition": "own"}],
        "practice_intro": "Try.",
        "main_intro": "Now.",
        "design": {"break_every": 2, "order": "fixed"},
        "device_check": {"headphones": {}},
        "questionnaires": [{"key": moment, "at": moment, "items": [item]} for moment, item in items.items()],
    }


def names(document: dict[str, Any]) -> list[str]:
    protocol = parse(document)
    return [page.name for page in pages(protocol, plan_trials(protocol, 0, 1))]


def test_pages_of_a_study_that_has_them_all() -> None:
    def trial(position: int) -> list[str]:
        return [f"questions:before_trial:{position}", f"talk::{position}", f"questions:after_trial:{position}"]

    assert names(whole()) == [
        "questions:eligibility",
        "consent",
        "questions:consent",
        "questions:background",
        "check",
        "headphones",
        "questions:device_check",
        "intro:practice",
        *trial(0),
        "intro:main",
        *trial(1),
        *trial(2),
        "compare:::0",
        "break::3",
        *trial(3),
        *trial(4),
        "compare:::1",
        "questions:before_playback",
        *[f"questions:playback:{position}" for position in range(5)],
        "questions:end",
        "questions:debrief",
        "debrief",
    ]


def test_pages_of_an_explore_study() -> None:
    assert names(explore()) == ["explore", "debrief"]


def test_explore_study_that_asks_something_before_the_talks_has_a_page_for_consent() -> None:
    asked = {"key": "more", "at": "background", "items": [{"type": "short_text", "key": "why", "text": "Why?"}]}
    assert names(explore(questionnaires=[asked])) == ["consent", "questions:more", "explore", "debrief"]
    assert names(explore(device_check={"min_snr_db": 10})) == ["consent", "check", "explore", "debrief"]


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ({"study_role": "practice"}, [0]),
        ({"study_role": "analytical"}, [1, 2, 3, 4]),
        ({"prompts": ["p0"]}, [1, 2]),
        ({"prompts": ["hello"], "study_role": "analytical"}, []),
    ],
)
def test_questionnaire_for_some_trials_alone(changes: dict[str, Any], asked: list[int]) -> None:
    document = whole()
    after = next(each for each in document["questionnaires"] if each["key"] == "after_trial")
    after.update(changes)
    protocol = Protocol.model_validate(document)
    listed = [page for page in pages(protocol, plan_trials(protocol, 0, 1)) if page.key == "after_trial"]
    assert [page.position for page in listed] == asked


def test_pair_without_a_questionnaire_is_not_compared() -> None:
    document = whole()
    next(each for each in document["questionnaires"] if each["key"] == "after_pair")["prompts"] = ["p1"]
    protocol = parse(document)
    assert [page.pair for page in pages(protocol, plan_trials(protocol, 0, 1)) if page.kind == "compare"] == [1]


@given(st.lists(st.integers(0, 3), max_size=24), st.lists(st.integers(0, 3), max_size=24))
def test_any_plan_gets_each_talk_once_and_each_pair_after_its_last_talk(pairs: list[int], blocks: list[int]) -> None:
    trials = [
        PlannedTrial(position, "weekend", "own", pair, block=block)
        for position, (pair, block) in enumerate(zip(pairs, sorted(blocks), strict=False))
    ]
    listed = list(pages(parse(paired()), trials))
    assert len({page.name for page in listed}) == len(listed)
    assert [page.position for page in listed if page.kind == "talk"] == [trial.position for trial in trials]
    last = {trial.pair: trial.position for trial in trials}
    for pair, position in last.items():
        talk, verdict = Page("talk", position=position), Page("compare", pair=pair)
        assert listed.index(verdict) > listed.index(talk)
        assert listed.count(verdict) == 1
    pauses = sum(before.block != after.block for before, after in pairwise(trials))
    assert sum(page.kind == "break" for page in listed) == pauses
