"""A bot knows by itself when its visit has to end early."""

from __future__ import annotations

from typing import Any

import pytest

from studies.protocol.reading.document import parse
from studies.protocol.schema import Protocol
from studies.simulation.diary import Asked, Diary, reasons_to_leave
from tests.studies.protocol.documents import asking

ADULT = {"type": "switch", "key": "adult", "text": "Adult?"}
READING = {"type": "likert", "key": "reading", "text": "Choose 2.", "low": "-", "high": "+", "expect": 2}


def study(**changes: Any) -> Protocol:
    return parse(asking(READING, **changes))


def diary(answers: dict[str, Any], **changes: Any) -> Diary:
    return Diary(1, "", consents={"participate": True}, answers={Asked(k): v for k, v in answers.items()}, **changes)


def test_rules_hold_before_consent_alone() -> None:
    document = asking(ADULT, at="eligibility")
    document["screen_out"] = [{"when": {"all": [{"item": "adult", "equals": False}]}}]
    protocol = parse(document)
    minor = diary({"adult": False})
    assert reasons_to_leave(protocol, minor) == []
    minor.consents = {}
    assert reasons_to_leave(protocol, minor) == ["screen_out[0]"]
    assert reasons_to_leave(protocol, Diary(1, "", answers={Asked("adult"): True})) == []


@pytest.mark.parametrize(
    ("attention", "reasons"),
    [
        ({}, []),
        ({"then": "screen_out"}, ["attention"]),
        ({"then": "screen_out", "max_failed": 1}, []),
    ],
)
def test_attention_counts_as_the_study_says(attention: dict[str, Any], reasons: list[str]) -> None:
    protocol = study(attention=attention)
    assert reasons_to_leave(protocol, diary({"reading": 3})) == reasons
    assert reasons_to_leave(protocol, diary({"reading": 2})) == []


@pytest.mark.parametrize(
    ("required", "found", "reasons"), [(True, [4, 3], ["device"]), (True, [4, 5], []), (False, [0], [])]
)
def test_headphones_count_where_they_are_required(required: bool, found: list[int], reasons: list[str]) -> None:
    protocol = study(device_check={"headphones": {"required": required}})
    assert reasons_to_leave(protocol, diary({}, headphones=found)) == reasons
