"""One attempt to answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest

from inference.contract.options.cascade import Options
from inference.engines.cascade.language import History
from inference.engines.cascade.reply import FALLBACK, Heard, Reply
from tests.inference.engines.cascade.partner import Partner


def answer(partner: Partner, *, options: Options = Options(), withdraw: Event | None = None) -> Reply:  # noqa: B008 - frozen
    """The attempt after its thread has ended. `withdraw` is set once the attempt has been withdrawn."""
    with ThreadPoolExecutor(1) as threads:
        reply = Reply(
            partner.models(threads),
            slot=0,
            turn=3,
            audio=np.ones(16_000, np.float32),
            settled=[],
            history=History([{"role": "system", "content": "Be kind."}]),
            options=options,
            seed=100,
        )
        if withdraw is not None:
            reply.withdraw()
            withdraw.set()
    return reply


def texts(reply: Reply) -> list[str]:
    return [clause.text for clause in reply.clauses]


def test_turn_is_judged_heard_and_answered() -> None:
    reply = answer(Partner(answers=("I am a friend. What about you? I",)))
    assert (reply.completeness, reply.done, reply.error, reply.fallback) == (0.75, True, None, False)
    assert reply.heard == Heard("Who are you?", "Who are you?", (), -0.1, 0.05)
    assert texts(reply) == ["I am a friend.", "What about you?"]


def test_language_model_sees_the_scrubbed_words() -> None:
    partner = Partner(heard="Haha, who are you?")
    answer(partner)
    assert partner.asked == ["Who are you?"]
    partner = Partner(heard="Haha, who are you?")
    answer(partner, options=Options(scrub_laughter=False))
    assert partner.asked == ["Haha, who are you?"]


def test_nothing_but_laughter_is_not_put_to_the_language_model() -> None:
    partner = Partner(heard="Ha ha ha!")
    reply = answer(partner)
    assert (partner.asked, texts(reply), reply.done) == ([], [], True)


def test_senseless_answer_is_tried_again_with_another_seed() -> None:
    partner = Partner(answers=("no no no no no no. ", "I am a friend."))
    reply = answer(partner)
    assert texts(reply) == ["I am a friend."]
    assert len(set(partner.seeds)) == 2
    assert not reply.fallback


def test_agent_says_so_when_it_has_no_answer() -> None:
    reply = answer(Partner(answers=("", "...")))
    assert (texts(reply), reply.text, reply.fallback) == ([FALLBACK], FALLBACK, True)


def test_answer_that_loses_the_thread_ends_before_it_does() -> None:
    reply = answer(Partner(answers=("I am a friend. No no no no no no. ",)))
    assert texts(reply) == ["I am a friend."]


def test_answer_cut_off_by_the_token_limit_keeps_whole_sentences() -> None:
    reply = answer(Partner(answers=("I am a friend. And I would",), whole=False))
    assert texts(reply) == ["I am a friend."]


def test_withdrawn_attempt_says_nothing() -> None:
    withdrawn = Event()
    partner = Partner(on_recognition=lambda: pytest.fail("not withdrawn") if not withdrawn.wait(10) else None)
    reply = answer(partner, withdraw=withdrawn)
    assert (texts(reply), partner.asked, reply.heard, reply.error, reply.done) == ([], [], None, None, True)


def test_error_of_a_model_is_kept_for_the_step_thread() -> None:
    def fail() -> None:
        raise MemoryError("no room")

    reply = answer(Partner(on_recognition=fail))
    assert reply.done
    assert isinstance(reply.error, MemoryError)
