"""The answers of a pair side by side: blind, all heard, judged once."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest
from django.urls import reverse

from studies.models import Answer, Judgement, Session, Take, Utterance
from studies.participant.answering.answers import known
from tests.studies.factories import add_tracks, add_utterances
from tests.studies.participant.questionnaires import asking
from tests.studies.participant.visitor import Visitor, open_new_study

pytestmark = pytest.mark.django_db

PREFER = {"type": "preference", "key": "prefer", "text": "Which one?"}
WHY = {
    "type": "long_text",
    "key": "why",
    "text": "Why?",
    "required": False,
    "show_if": {"all": [{"item": "prefer", "one_of": ["A", "B"]}]},
}
PLACE = "compare/0/"


def at_comparison(*items: dict[str, Any], **fields: Any) -> Visitor:
    document = asking(*(items or (PREFER,)), at="after_pair", **fields)
    document["questionnaires"] = document["questionnaires"][:1]
    open_new_study(document)
    anna = Visitor().to_talk()
    anna.talk()
    anna.talk()
    assert anna.place == PLACE
    return anna


def html(visitor: Visitor) -> str:
    return str(visitor.response.content.decode())


def test_verdict_and_other_answers_are_kept_for_the_pair() -> None:
    anna = at_comparison(PREFER, WHY)
    anna.judge(prefer="B", why="It was warmer.")
    assert anna.session.state == Session.State.FINISHED
    judgement = Judgement.objects.get()
    trials = {trial.side: trial for trial in anna.session.trials.all()}
    assert (judgement.pair, judgement.item, judgement.choice, judgement.chosen) == (0, "prefer", "B", trials["B"])
    assert judgement.order_shown == [trials["A"].pk, trials["B"].pk]
    assert known(anna.session, pair=0) == {"prefer": "B", "why": "It was warmer."}
    assert Answer.objects.get(item="why").pair == 0
    assert sorted(Answer.objects.filter(item="listened_sec").values_list("trial__side", "value")) == [
        ("A", 2.5),
        ("B", 3.0),
    ]


def test_page_names_no_condition() -> None:
    anna = at_comparison(PREFER, WHY)
    page = html(anna)
    assert re.search(r"\bown\b|higher|sham|transform", page, re.IGNORECASE) is None


def test_every_answer_must_be_heard_to_its_end() -> None:
    anna = at_comparison()
    anna.answer(PLACE, {"A": 1.0}, prefer="A")
    assert (anna.place, anna.refusal["status"]) == (PLACE, 422)
    assert "Please listen to the end first: Answer B." in anna.refusal["summary"]
    assert Judgement.objects.get().choice == "A"  # what was said is kept all the same
    anna.answer(PLACE, {"B": 0.4}, prefer="A")  # of one second
    assert anna.place == PLACE
    anna.answer(PLACE, {"B": 0.9}, prefer="A")
    assert anna.session.state == Session.State.FINISHED
    assert Judgement.objects.count() == 1


def test_answers_need_not_be_heard_where_the_study_says_so() -> None:
    document = asking(PREFER, at="after_pair")
    document["questionnaires"] = document["questionnaires"][:1]
    open_new_study({**document, "comparison": {"must_listen": False, "labels": "numbers"}})
    anna = Visitor().to_talk()
    anna.talk()
    anna.talk()
    assert [option.label for option in anna.response.context["questions"][0].parts["options"]] == [
        "Answer 1",
        "No difference",
        "Answer 2",
    ]
    anna.answer(PLACE, prefer="none")
    assert (anna.session.state, Judgement.objects.get().choice) == (Session.State.FINISHED, "none")


def test_answer_without_a_recording_is_said_and_one_can_go_on() -> None:
    document = asking(PREFER, at="after_pair")
    document["questionnaires"] = document["questionnaires"][:1]
    open_new_study(document)
    anna = Visitor().to_talk()
    anna.talk()
    anna.talk(state=Take.State.FAILED, tracks=False)
    assert "There is no recording of this answer" in html(anna)
    side = anna.session.trials.get(position=0).side
    anna.answer(PLACE, {side: 1.0}, prefer="none")
    assert anna.session.state == Session.State.FINISHED


def test_answer_without_words_of_the_machine_says_so() -> None:
    anna = at_comparison()
    Utterance.objects.filter(role="agent", take__trial__session=anna.session).delete()
    unanswered = Utterance(take=Take.objects.earliest("pk"), role="participant", turn=0, text="hello", raw_text="hello")
    unanswered.save()
    anna.get(PLACE)
    answers = re.findall(r'id="words-[^"]+-agent">(.*?)</div>', html(anna), re.DOTALL)
    assert [("No words were recognised." in answer, "<dl" in answer) for answer in answers] == [(True, False)] * 2


def test_changed_verdict_is_appended() -> None:
    anna = at_comparison(PREFER, WHY)
    for choice in ("A", "A", "none", "B"):
        anna.answer(PLACE, prefer=choice)
    assert list(Judgement.objects.order_by("id").values_list("choice", flat=True)) == ["A", "none", "B"]
    assert known(anna.session, pair=0) == {"prefer": "B"}


def test_verdict_and_listening_are_kept_as_they_are_given() -> None:
    anna = at_comparison(PREFER, WHY)

    def send(item: str, value: Any, **fields: Any) -> int:
        answers = [{"item": item, "value": value, "client_id": str(uuid.uuid4()), **fields}]
        body = {"answers": answers, "epoch": anna.session.epoch, "questionnaire": "asked", "pair": 0}
        answered = anna.client.post(f"/p/{anna.token}/answers/", json.dumps(body), content_type="application/json")
        return int(answered.status_code)

    assert [send("listened_sec", 1.0, side="A"), send("prefer", "A"), send("why", "Because.")] == [200] * 3
    assert [send("listened_sec", 1.0, side="C"), send("listened_sec", "x", side="A"), send("prefer", "C")] == [422] * 3
    assert known(anna.session, pair=0) == {"prefer": "A", "why": "Because."}
    anna.get(PLACE)
    assert [(side.side, side.was_heard) for side in anna.response.context["sides"]] == [("A", True), ("B", False)]
    assert send("prefer", "none") == 200
    assert known(anna.session, pair=0) == {"prefer": "none"}  # what it hides is taken back


def test_verdict_that_arrives_again_and_late_changes_nothing() -> None:
    anna = at_comparison(PREFER)

    def send(client_id: int, value: str) -> None:
        answers = [{"item": "prefer", "value": value, "client_id": str(uuid.UUID(int=client_id))}]
        body = {"answers": answers, "questionnaire": "asked", "pair": 0, "epoch": anna.session.epoch}
        answered = anna.client.post(f"/p/{anna.token}/answers/", json.dumps(body), content_type="application/json")
        assert answered.status_code == 200

    for client_id, value in ((1, "A"), (1, "A"), (2, "B"), (1, "A"), (3, "B"), (4, "none"), (3, "B"), (2, "B")):
        send(client_id, value)
    kept = Judgement.objects.order_by("revision").values_list("revision", "choice", "client_id")
    assert list(kept) == [
        (number, choice, uuid.UUID(int=number)) for number, choice in enumerate(("A", "B", "B", "none"), start=1)
    ]
    assert known(anna.session, pair=0) == {"prefer": "none"}


def test_all_questionnaires_of_a_pair_stand_on_one_page() -> None:
    document = asking(PREFER, at="after_pair")
    own = document["questionnaires"][0]
    likert = {"type": "likert", "key": "sure", "text": "How sure?", "low": "Not", "high": "Very"}
    if_decided = {"all": [{"item": "prefer", "one_of": ["A", "B"]}]}
    document["questionnaires"] = [own, {"key": "sure", "at": "after_pair", "items": [likert], "show_if": if_decided}]
    open_new_study(document)
    anna = Visitor().to_talk()
    anna.talk()
    anna.talk()
    assert [question.key for question in anna.response.context["questions"]] == ["prefer", "sure"]
    anna.judge(prefer="A")
    assert list(anna.refusal["errors"]) == ["sure"]
    anna.judge(prefer="none")
    assert anna.session.state == Session.State.FINISHED


def test_sides_follow_the_talks_where_they_are_not_drawn() -> None:
    document = asking(PREFER, at="after_pair")
    open_new_study({**document, "comparison": {"random_order": False}})
    for _ in range(5):
        trials = Visitor().to_talk().session.trials.order_by("position")
        assert [trial.side for trial in trials] == ["A", "B"]


def test_page_says_that_without_scripts_nothing_can_be_heard() -> None:
    page = html(at_comparison())
    assert [
        text.count("Playing recordings requires JavaScript") for text in re.findall("<noscript>.*?</noscript>", page)
    ] == [1]


def sides(visitor: Visitor) -> dict[str, Any]:
    return {side.side: side for side in visitor.get(PLACE).response.context["sides"]}


@pytest.mark.parametrize(
    ("track", "audible", "enough_sec"),
    [
        ("agent", {"agent": [[24_000 * 55, 24_000 * 4]]}, 3.5),
        ("agent", {"agent": [[0, 24_000], [24_000 * 50, 24_000]]}, 1.7),
        ("conversation", {"agent": [[24_000, 48_000]], "heard": [[0, 36_000], [24_000 * 8, 24_000]]}, 3.5),
    ],
)
def test_only_what_can_be_heard_counts_as_hearing_an_answer(
    track: str, audible: dict[str, list[list[int]]], enough_sec: float
) -> None:
    document = asking(PREFER, at="after_pair")
    document["questionnaires"] = document["questionnaires"][:1]
    open_new_study({**document, "comparison": {"track": track}})
    anna = Visitor().to_talk()
    for _ in range(2):
        anna.talk(duration_sec=60.0, audible=audible)
    anna.answer(PLACE, {"A": enough_sec, "B": enough_sec - 0.4}, prefer="A")
    assert "Please listen to the end first: Answer B." in anna.refusal["summary"]
    anna.answer(PLACE, {"B": enough_sec}, prefer="A")
    assert anna.session.state == Session.State.FINISHED


@pytest.mark.parametrize(
    ("comparison", "before", "after"),
    [
        ({}, [False, False], [True, False]),
        ({"transcripts": "after_hearing"}, [False, False], [True, False]),
        ({"transcripts": "always"}, [True, True], [True, True]),
    ],
)
def test_words_of_an_answer_are_shown_once_it_was_heard_or_always(
    comparison: dict[str, Any], before: list[bool], after: list[bool]
) -> None:
    document = asking(PREFER, at="after_pair")
    open_new_study({**document, "questionnaires": document["questionnaires"][:1], "comparison": comparison})
    anna = Visitor().to_talk()
    anna.talk()
    anna.talk()
    assert words_shown(anna) == before
    anna.answer(PLACE, {"A": 1.0}, prefer="A")
    assert words_shown(anna.get(PLACE)) == after


def words_shown(visitor: Visitor) -> list[bool]:
    """Of the answers in reading order, whether their words are to be seen."""
    return [not hidden for hidden in re.findall(r"<div data-words( hidden)?>", html(visitor))]


def test_words_are_not_in_the_page_where_the_study_shows_none() -> None:
    document = asking(PREFER, at="after_pair")
    questionnaires = document["questionnaires"][:1]
    open_new_study({**document, "questionnaires": questionnaires, "comparison": {"transcripts": "never"}})
    anna = Visitor().to_talk()
    anna.talk()
    anna.talk()
    assert ("hi there" in html(anna), "hello" in html(anna)) == (False, False)


def test_own_question_is_shown_and_can_be_played() -> None:
    anna = at_comparison()
    shown = sides(anna)
    for trial in anna.session.trials.all():
        take = trial.take
        assert take is not None
        question = shown[trial.side].question
        assert question.url == reverse("participant_track", args=[anna.token, take.pk, "participant"])
        assert anna.client.get(question.url).status_code == 200
    assert re.findall(r'words__turn--participant">\s*<dt>You</dt>\s*<dd dir="auto">hello</dd>', html(anna)) != []


def test_own_question_is_played_with_the_answer_in_a_conversation() -> None:
    document = asking(PREFER, at="after_pair")
    questionnaires = document["questionnaires"][:1]
    open_new_study({**document, "questionnaires": questionnaires, "comparison": {"track": "conversation"}})
    anna = Visitor().to_talk()
    anna.talk()
    anna.talk()
    assert [(side.question, side.kinds) for side in sides(anna).values()] == [(None, "agent heard")] * 2


SURE = {"type": "likert", "key": "sure", "text": "How sure?", "low": "Not", "high": "Very"}
CAREFUL = {**SURE, "key": "careful", "text": "Choose 2.", "expect": 2}


def say_no_answer(anna: Visitor, side: str, value: Any = True) -> int:
    answers = [{"item": "no_answer", "side": side, "value": value, "client_id": str(uuid.uuid4())}]
    body = {"answers": answers, "epoch": anna.session.epoch, "questionnaire": "asked", "pair": 0}
    sent = anna.client.post(f"/p/{anna.token}/answers/", json.dumps(body), content_type="application/json")
    return int(sent.status_code)


def test_pair_in_which_an_answer_is_missing_need_not_be_judged() -> None:
    anna = at_comparison(PREFER, SURE)
    anna.answer(PLACE, {"A": 1.0})
    assert sorted(anna.refusal["errors"]) == ["prefer", "sure"]
    assert say_no_answer(anna, "B") == 200
    anna.answer(PLACE)
    assert anna.session.state == Session.State.FINISHED
    assert list(Judgement.objects.all()) == []
    said = Answer.objects.filter(item="no_answer").values_list("trial__side", "value")
    assert list(said) == [("B", True)]


def test_attention_check_is_answered_whether_or_not_there_was_an_answer() -> None:
    anna = at_comparison(PREFER, CAREFUL)
    say_no_answer(anna, "A")
    say_no_answer(anna, "B")
    anna.answer(PLACE)
    assert list(anna.refusal["errors"]) == ["careful"]


def test_missing_answer_can_be_taken_back() -> None:
    anna = at_comparison(PREFER)
    say_no_answer(anna, "B")
    say_no_answer(anna, "B", False)
    anna.answer(PLACE, {"A": 1.0, "B": 1.0})
    assert list(anna.refusal["errors"]) == ["prefer"]


@pytest.mark.parametrize(("side", "value"), [("C", True), ("", True), ("A", "yes"), ("A", 1)])
def test_missing_answer_of_no_one_is_refused(side: str, value: Any) -> None:
    anna = at_comparison(PREFER)
    assert say_no_answer(anna, side, value) == 422
    assert list(Answer.objects.filter(item="no_answer")) == []


def test_machine_that_was_not_heard_at_all_gave_no_answer() -> None:
    document = asking(PREFER, at="after_pair")
    open_new_study({**document, "questionnaires": document["questionnaires"][:1]})
    anna = Visitor().to_talk()
    anna.talk(audible={"agent": [[0, 24_000]]})
    anna.talk(audible={"agent": []})
    silent = anna.session.trials.get(position=1).side
    assert {side.side for side in sides(anna).values() if side.unanswered} == {silent}
    other = next(side for side in "AB" if side != silent)
    anna.answer(PLACE)
    assert "Please listen to the end first" in anna.refusal["summary"]
    anna.answer(PLACE, {other: 1.0})
    assert anna.session.state == Session.State.FINISHED


def test_words_that_are_still_being_written_say_whether_to_wait_and_ask_for_themselves() -> None:
    document = asking(PREFER, at="after_pair")
    open_new_study({**document, "questionnaires": document["questionnaires"][:1]})
    anna = Visitor().to_talk()
    anna.talk()
    anna.talk(state=Take.State.ENDED, tracks=False)
    page = html(anna)
    assert page.count("They appear here by themselves; you do not need to wait for them.") == 2
    assert page.count('hx-get="" hx-trigger="every 2s"') == 2
    take = anna.session.trials.get(position=1).takes.get()
    Take.objects.filter(pk=take.pk).update(state=Take.State.FINAL)
    add_tracks(take)
    add_utterances(take)
    page = html(anna.get(PLACE))
    assert ("They appear here by themselves" in page, page.count("hi there")) == (False, 2)
