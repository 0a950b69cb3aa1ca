"""The choice among candidate answers."""

from __future__ import annotations

import pytest

from inference.engines.cascade.choosing import Candidate, likeliest


def candidate(spoken: str, likelihood: float = -1.0, *, whole: bool = True) -> Candidate:
    return Candidate((spoken,) if spoken else (), spoken, likelihood, whole, seed=0)


def best(*candidates: Candidate, said: str = "I bought a bicycle.", deciding: bool = False) -> str:
    found = likeliest(candidates, said=said, deciding=deciding)
    assert found is not None
    return found.spoken


def test_likeliest_is_taken() -> None:
    assert best(candidate("That is a fine thing.", -1.4), candidate("That sounds like fun.", -0.9)) == (
        "That sounds like fun."
    )


@pytest.mark.parametrize(
    ("slip", "whole"),
    [
        ("I'm happy to help with that.", True),
        ("You're welcome, it was nothing.", True),
        ("My name is [Name] and I.", True),
        ("Yes.", True),
        ("That is a fine thing to", False),
        ('You could say, "I want one.', True),
        ("You bought a bicycle I bought.", True),
    ],
)
def test_slip_is_not_taken_however_likely(slip: str, whole: bool) -> None:
    assert best(candidate(slip, -0.2, whole=whole), candidate("That sounds like fun.", -0.9)) == "That sounds like fun."


def test_answer_on_the_topic_is_preferred() -> None:
    assert best(candidate("That sounds like fun.", -0.9), candidate("Cycling keeps you fit.", -1.1)) == (
        "That sounds like fun."
    )
    assert best(candidate("That sounds like fun.", -0.9), candidate("Which bicycles do you like?", -1.1)) == (
        "Which bicycles do you like?"
    )


def test_question_is_not_answered_by_a_question() -> None:
    said = "Why is the sky blue?"
    assert best(candidate("What is on your mind?", -0.5), candidate("Air scatters the light.", -1.0), said=said) == (
        "Air scatters the light."
    )


def test_persona_that_decides_decides_and_keeps_to_its_side() -> None:
    said = "Please open the door."
    answers = (
        candidate("The door is a big one.", -0.3),
        candidate("Let me in, my badge is broken.", -0.3),
        candidate("First prove who you are.", -1.5),
    )
    assert best(*answers, said=said, deciding=True) == "First prove who you are."


def test_nothing_is_taken_where_nobody_speaks() -> None:
    assert likeliest([candidate("")], said="Hello", deciding=False) is None
