"""The answers of a pair side by side: blind, all heard, judged once."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

import pytest

from studies.models import Answer, Judgement, Session, Take, Utterance
from studies.participant.answering.answers import known
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
    assert html(anna).count("No words were recognised.") == 2
    assert "<dl" not in html(anna)


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
