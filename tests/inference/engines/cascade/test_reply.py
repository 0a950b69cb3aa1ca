"""One attempt to answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import numpy as np
import pytest

from inference.contract.options.cascade import Options
from inference.engines.cascade.health import NO_ADVICE
from inference.engines.cascade.language import History
from inference.engines.cascade.reply import FALLBACK, Heard, Reply
from tests.inference.engines.cascade.partner import Partner


def answer(
    partner: Partner,
    *,
    persona: str = "",
    options: Options = Options(),  # noqa: B008 - frozen
    withdraw: Event | None = None,
) -> Reply:
    """The attempt after its thread has ended. `withdraw` is set once the attempt has been withdrawn."""
    with ThreadPoolExecutor(1) as threads:
        reply = Reply(
            partner.models(threads),
            slot=0,
            turn=3,
            audio=np.ones(16_000, np.float32),
            settled=[],
            history=History([{"role": "system", "content": "Be kind."}]),
            persona=persona,
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


def test_answer_may_be_one_story_of_many_sentences() -> None:
    story = "Once upon a time. There was a cat. It slept. It ate. It left. It came back."
    partner = Partner(heard="Tell me a story about a cat.", answers=(story,))
    reply = answer(partner, options=Options(max_sentences=1, candidates=5))
    assert " ".join(texts(reply)) == "Once upon a time. There was a cat. It slept. It ate. It left."
    assert len(partner.seeds) == 1


def test_likeliest_of_several_draws_is_spoken() -> None:
    partner = Partner(
        answers=("I like the sea. ", "I like the woods. ", "I like the hills. "), likelihoods=(-2.0, -0.5, -1.0)
    )
    reply = answer(partner, options=Options(candidates=3, candidates_ms=5_000, max_sentences=1))
    assert (texts(reply), reply.draws, reply.by_rule) == (["I like the woods."], 3, "")
    assert partner.seeds == [124, 125, 126]


def test_one_candidate_is_awaited_when_there_is_no_time_for_another() -> None:
    partner = Partner(answers=("I like the sea. ", "I like the woods. "), likelihoods=(-2.0, -0.5))
    reply = answer(partner, options=Options(candidates=5, candidates_ms=0, max_sentences=1))
    assert (texts(reply), reply.draws) == (["I like the sea."], 1)


def test_candidate_without_sense_is_drawn_anew() -> None:
    partner = Partner(answers=("no no no no no no. ", "I like the sea. "))
    reply = answer(partner, options=Options(candidates=2, candidates_ms=0, max_sentences=1))
    assert (texts(reply), reply.fallback) == (["I like the sea."], False)


def test_opening_sounds_first_and_the_model_goes_on_from_it() -> None:
    partner = Partner(heard="My dog died last week.", answers=(" How old was it?",))
    reply = answer(partner, options=Options(openings=True))
    assert texts(reply) == ["I'm so sorry to hear that.", "How old was it?"]
    assert (reply.by_rule, reply.text) == ("I'm so sorry to hear that.", "I'm so sorry to hear that. How old was it?")
    assert (partner.begun, partner.asked) == (["I'm so sorry to hear that."], ["My dog died last week."])


def test_half_a_sentence_is_spoken_with_what_the_model_makes_of_it() -> None:
    partner = Partner(heard="How do I boil an egg?", answers=(" put it into hot water.",))
    reply = answer(partner, options=Options(openings=True))
    assert " ".join(texts(reply)) == "You can start by put it into hot water."
    assert (reply.by_rule, partner.begun) == ("You can start by", ["You can start by"])


def test_studies_have_no_openings_unless_they_say_so() -> None:
    partner = Partner(heard="My dog died last week.", answers=("How old was it?",))
    reply = answer(partner)
    assert (texts(reply), reply.by_rule, partner.begun) == (["How old was it?"], "", [""])


def test_illness_is_answered_by_a_rule_whatever_the_options() -> None:
    for options in (Options(), Options(openings=True, candidates=5)):
        partner = Partner(heard="I've had a headache for three days. What should I do?")
        reply = answer(partner, options=options)
        assert texts(reply) == list(NO_ADVICE)
        assert (partner.seeds, reply.by_rule, reply.draws) == ([], " ".join(NO_ADVICE), 0)


def test_what_the_agent_says_when_it_has_no_answer_counts_as_given_by_a_rule() -> None:
    assert answer(Partner(answers=("", "..."))).by_rule == FALLBACK
