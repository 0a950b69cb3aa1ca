from __future__ import annotations

import pytest

from inference.engines.cascade.health import is_about_illness


@pytest.mark.parametrize(
    "said",
    [
        "I've had a headache for three days now. What should I do?",
        "My head has been hurting since Monday.",
        "How many pills may I take?",
        "My chest hurts and I can’t breathe.",
        "I feel really sick.",
        "Can I take ibuprofen with wine?",
        "Is it normal to feel dizzy?",
    ],
)
def test_turn_about_an_illness_is_recognised(said: str) -> None:
    assert is_about_illness(said)


@pytest.mark.parametrize(
    "said",
    [
        "I'm sick of this weather.",
        "It would break my heart to leave.",
        "My computer is a pain.",
        "I went back to my old school.",
        "What can I cook tonight?",
    ],
)
def test_everyday_turn_is_not_taken_for_a_complaint(said: str) -> None:
    assert not is_about_illness(said)
