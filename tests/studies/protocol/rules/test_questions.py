"""Questions that cannot be asked."""

from __future__ import annotations

from typing import Any

import pytest

from studies.protocol.reading.document import parse
from tests.studies.protocol.documents import asking, paired
from tests.studies.protocol.rules.studies import crossed, item, page, problems, prompt


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (item("number", min=5, max=4), "min: is 5, above max, 4; nobody could answer"),
        (item("number", min=0.2, max=0.8, whole=True), "whole: no whole number lies between 0.2 and 0.8"),
        (item("date", min="2026-02-01", max="2026-01-01"), "min: is 2026-02-01, above max, 2026-01-01; nobody could"),
        (item("single_choice", options=[]), "options: is empty; list at least one"),
        (item("single_choice", expect="c"), "expect: is 'c', which is no option; known: a, b"),
        (
            item("single_choice", options="scenarios"),
            "options: are the study's scenarios, of which there are 1; expected",
        ),
        (
            item("single_choice", options=[{"key": "other", "label": "O"}], other="Which?"),
            "options[0].key: 'other' stands for an answer in one's own words; choose another key",
        ),
        (item("multiple_choice", min_choices=3), "min_choices: is 3, but there are 2 options to choose from"),
        (item("multiple_choice", max_choices=3), "max_choices: is 3, but there are 2 options to choose from"),
        (
            item("multiple_choice", min_choices=2, max_choices=1),
            "min_choices: is 2, above max_choices, 1; nobody could",
        ),
        (item("likert", expect=8), "expect: is 8; expected a point from 1 to 7"),
        (item("likert", extra=[{"key": "3", "label": "T"}]), "extra[0].key: '3' looks like a point of the scale"),
        (
            item("preference"),
            "type: is asked at background; a preference compares a pair, so it belongs to at: after_pair",
        ),
        (item("playback"), "type: a recording cannot be played at background: nobody has talked yet"),
        (
            item("switch", prompts=["weekend"]),
            "prompts: is for questions about conversations, not for at: background; leave it out",
        ),
    ],
)
def test_item_that_cannot_be_asked(asked: dict[str, Any], problem: str) -> None:
    (found,) = problems(asking(asked))
    assert found.startswith(f"questionnaires[2].items[0].{problem}")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"at": "end"}, "items[0].prompt: is missing: at end it must be said which talk to play"),
        ({"at": "end", "prompt": "weekend"}, "items[0].condition: is missing: weekend is talked about under several"),
        (
            {"at": "end", "prompt": "weekday", "condition": "own"},
            "items[0].prompt: there is no prompt called 'weekday'; did",
        ),
        (
            {"at": "end", "prompt": "weekend", "condition": "owm"},
            "items[0].condition: there is no condition called 'owm'",
        ),
        (
            {"at": "after_trial", "condition": "own"},
            "items[0].condition: belongs to a prompt; name both, or leave both out",
        ),
        (
            {"at": "end", "prompt": "weekend", "condition": "own", "start_sec": 30},
            "items[0].start_sec: is 30, but talks about it last at most 30 s",
        ),
    ],
)
def test_recording_that_cannot_be_played(fields: dict[str, Any], problem: str) -> None:
    at = fields.pop("at")
    (found,) = problems(asking(item("playback", **fields), at=at))
    assert found.startswith(f"questionnaires[2].{problem}")


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"prompts": ["weekday"]}, "prompts[0]: there is no prompt called 'weekday'; did you mean weekend?"),
        ({"prompts": []}, "prompts: is empty, so this is never asked"),
        (
            {"at": "end", "study_role": "practice"},
            "study_role: is for questions about conversations, not for at: end; leave it out",
        ),
        (
            {"study_role": "practice"},
            "study_role: is 'practice', but there is no practice; list conversations under practice",
        ),
        (
            {"at": "after_pair", "study_role": "practice"},
            "study_role: is 'practice', but practice conversations are not in pairs",
        ),
        (
            {"insertions": [{"insert_after": "y", "prompts": ["weekend"], "items": [item("switch", "z")]}]},
            "insertions[0].insert_after: this questionnaire has no item 'y'; known: x",
        ),
    ],
)
def test_questionnaire_that_is_never_asked_so(fields: dict[str, Any], problem: str) -> None:
    document = paired()
    document["questionnaires"].append(page(fields.pop("at", "after_trial"), item("switch"), **fields))
    (found,) = problems(document)
    assert found.startswith(f"questionnaires[2].{problem}")


def test_recording_of_a_condition_that_a_pair_does_not_have() -> None:
    pairs = [{"prompt": "p0", "conditions": ["c0", "c1"]}, {"prompt": "p1", "conditions": ["c0", "c2"]}]
    pages = [page("after_pair", item("playback", condition="c1"))]
    document = crossed(2, 3, pairs=pairs, questionnaires=pages)
    assert problems(document) == [
        "questionnaires[0].items[0].condition: c1 is none of those of pairs[1]; name one that every pair asked about "
        "has"
    ]
    document["questionnaires"][0]["prompts"] = ["p0"]
    assert parse(document)


def test_questions_about_pairs_need_pairs() -> None:
    (found,) = problems(crossed(2, 2, questionnaires=[page("after_pair", item("preference"))]))
    assert (
        found == "questionnaires[0].at: is 'after_pair', but there are no pairs; list pairs, or ask at another moment"
    )


def test_recording_of_the_practice_needs_no_condition() -> None:
    """Everybody practises it under the same one, however many conditions the analytical talks have."""
    document = crossed(1, 2)
    document["prompts"].append(prompt("warm", study_role="practice"))
    document["practice"] = [{"prompt": "warm", "condition": "c0"}]
    document["questionnaires"] = [page("end", item("playback", prompt="warm"))]
    assert parse(document).practice
    document["practice"].append({"prompt": "warm", "condition": "c1"})
    (found,) = problems(document)
    assert "condition: is missing: warm is talked about under several" in found
