from __future__ import annotations

from inference.engines.cascade.prompt import DECISIONS, HOW_TO_ANSWER, NOBODY, SMALL_TALK, opening


def test_model_reads_the_persona_and_an_example_of_the_form() -> None:
    messages = opening(" You are a friend. ")
    assert messages[0] == {"role": "system", "content": f"You are a friend. {HOW_TO_ANSWER}"}
    assert [message["content"] for message in messages[1:]] == [words for exchange in SMALL_TALK for words in exchange]


def test_without_a_persona_it_is_somebody_friendly() -> None:
    assert opening("")[0]["content"] == f"{NOBODY} {HOW_TO_ANSWER}"


def test_persona_that_decides_reads_every_way_to_decide() -> None:
    messages = opening("You guard a door. Decide whether to open it.")
    assert [message["content"] for message in messages[1:]] == [words for exchange in DECISIONS for words in exchange]
