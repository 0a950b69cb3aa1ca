from __future__ import annotations

from inference.engines.cascade.language import HISTORY_CHARACTERS, LONGEST_TURN_CHARACTERS, History
from inference.engines.cascade.prompt import Message

OPENING: list[Message] = [{"role": "system", "content": "Be kind."}]


def test_model_sees_the_opening_the_exchanges_and_the_question() -> None:
    history = History(OPENING)
    history.add("Hello", "Hi.")
    assert history.asking("Who?") == [
        *OPENING,
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": "Who?"},
    ]


def test_answer_that_was_not_heard_is_not_remembered() -> None:
    history = History(OPENING)
    history.add("Hello", "")
    assert history.asking("Who?") == [
        *OPENING,
        {"role": "user", "content": "Hello"},
        {"role": "user", "content": "Who?"},
    ]


def test_old_exchanges_are_forgotten_and_the_opening_never() -> None:
    history = History(OPENING)
    for number in range(50):
        history.add(f"question {number} {'x' * 40}", f"answer {number}")
    messages = history.asking("last")
    assert messages[0] == OPENING[0]
    assert [message["role"] for message in messages[1:3]] == ["user", "assistant"]
    assert messages[-2]["content"] == "answer 49"
    assert sum(len(message["content"]) for message in messages[1:-1]) <= HISTORY_CHARACTERS


def test_endless_turn_is_cut_to_its_end() -> None:
    assert len(History(OPENING).asking("x" * 5_000)[-1]["content"]) == LONGEST_TURN_CHARACTERS
