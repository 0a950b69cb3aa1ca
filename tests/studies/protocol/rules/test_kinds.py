"""What belongs to the other kind of study."""

from __future__ import annotations

from typing import Any

import pytest

from tests.studies.protocol.documents import explore
from tests.studies.protocol.rules.studies import condition, item, page, problems, prompt


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"conditions": [condition("own")]},
            "conditions: belongs to kind planned: an explore study has an offer; leave it out",
        ),
        (
            {"design": {"cells": "crossed"}},
            "design: belongs to kind planned: visitors choose for themselves; leave it out",
        ),
        ({"main_intro": "Now."}, "main_intro: belongs to kind planned: there is no plan to introduce; leave it out"),
        (
            {"prompts": [prompt("a", study_role="practice")]},
            "prompts[0].study_role: is 'practice'; an explore study has no",
        ),
        (
            {"questionnaires": [page("after_trial", item("switch"))]},
            "questionnaires[0].at: is 'after_trial'; an explore study asks only at one of eligibility, consent",
        ),
    ],
)
def test_what_does_not_belong_to_an_explore_study(changes: dict[str, Any], problem: str) -> None:
    (found,) = problems(explore(**changes))
    assert found.startswith(problem)


def test_offered_voice_whose_condition_would_have_too_long_a_key() -> None:
    document = explore()
    document["offer"]["engines"] = [{"engine": "openai_realtime"}]
    document["offer"]["voices"][0]["key"] = "v" * 40
    assert problems(document) == ["offer.voices[0].key: is 40 characters long; expected at most 33"]
