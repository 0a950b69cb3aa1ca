"""Prompts, conditions, pairs and practice that do not fit."""

from __future__ import annotations

from typing import Any

import pytest

from studies.protocol.reading.document import parse
from tests.studies.protocol.documents import paired
from tests.studies.protocol.rules.studies import condition, problems, prompt


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"prompts": [prompt("weekend"), prompt("salary")]},
            ["prompts[1]: salary is never used: list it under pairs"],
        ),
        (
            {"prompts": [prompt("weekend"), prompt("warm", study_role="practice")]},
            ["prompts[1]: warm is never used: list it under practice, or leave it out"],
        ),
        (
            {"conditions": [condition("own"), condition("higher"), condition("lower")]},
            ["conditions[2]: no conversation uses lower: list it under pairs, or leave it out"],
        ),
        (
            {"conditions": []},
            [
                "conditions: is missing; a planned study needs at least one condition",
                "pairs[0].conditions[0]: there is no",
            ],
        ),
        (
            {"practice": [{"prompt": "weekend", "condition": "own"}]},
            ["practice[0].prompt: weekend has study_role: analytical; expected a prompt that is practice"],
        ),
        (
            {
                "pairs": [
                    {"prompt": "weekend", "conditions": ["own", "higher"]},
                    {"prompt": "weekend", "conditions": ["higher", "own"]},
                ]
            },
            ["pairs[1]: is the pair at pairs[0] again; to have it repeated, set design.repetitions"],
        ),
        ({"practice_intro": "First."}, ["practice_intro: introduces practice, but there is none"]),
    ],
)
def test_talks_that_do_not_fit(changes: dict[str, Any], expected: list[str]) -> None:
    found = problems(paired(**changes))[: len(expected)]
    assert [told[: len(start)] for told, start in zip(found, expected, strict=True)] == expected


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"seed": {"policy": "fixed"}}, "seed.value: is missing: policy fixed needs the number to start from"),
        ({"seed": {"value": 3}}, "seed.value: belongs to policy fixed, but the policy is take; change one of the two"),
        ({"intended": "sad"}, "intended: names a way to speak, but nobody is asked to speak like that; add delivery"),
        (
            {"options": {"temprature": 1}},
            "options.temprature: is not a key here; did you mean temperature?",
        ),
        ({"options": {"temperature": 9.5}}, "options.temperature: is 9.5; expected a number from 0.0 to 2.0"),
        ({"options": {"max_tokens": "60"}}, "options.max_tokens: is '60'; expected a whole number from 8 to 400"),
        ({"engine": "moshi", "options": {"top_k": 0}}, "options.top_k: is 0; expected a whole number from 1 to 500"),
        (
            {"engine": "moshi_server", "options": {"pad_mult": 11}},
            "options.pad_mult: is 11; expected a number from -10 to 10",
        ),
        (
            {"voices": [{"preset": "natural", "end_sec": 30.0}, {"preset": "higher", "start_sec": 30.0}]},
            "voices[1].start_sec: is 30, but no conversation lasts longer than 30 s (see limit_sec of prompts)",
        ),
    ],
)
def test_condition_that_cannot_be(fields: dict[str, Any], problem: str) -> None:
    (found,) = problems(paired(conditions=[condition("own", **fields), condition("higher")]))
    assert found.startswith(f"conditions[0].{problem}")


def test_every_wrong_option_is_told() -> None:
    options = {"temperature": 9, "top_p": 9, "barge_in": 1}
    found = problems(paired(conditions=[condition("own", options=options), condition("higher")]))
    assert [told.split(":")[0] for told in found] == [f"conditions[0].options.{name}" for name in options]


def test_prompt_without_words() -> None:
    bare = {"key": "weekend", "title": "Weekend"}
    assert problems(paired(prompts=[bare])) == ["prompts[0]: says nothing to the participant; add a card or sections"]
    assert parse(paired(prompts=[{**bare, "sections": [{"kind": "goal", "text": "Talk."}]}]))
