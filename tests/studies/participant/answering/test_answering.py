"""Answers sent one by one: kept once however often they come, refused with words, nothing lost."""

from __future__ import annotations

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from studies.models import Answer, Session, Study
from studies.participant.answering.answers import known
from studies.participant.leaving.page import withdraw
from tests.studies.participant.questionnaires import EVERY_ANSWER, EVERY_ITEM, asking
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import paired

pytestmark = pytest.mark.django_db


def send(visitor: Visitor, item: str, value: Any, **fields: Any) -> Any:
    """(status, answer as JSON) of the server."""
    answer = {"item": item, "value": value, "client_id": fields.pop("client_id", str(uuid.uuid4()))}
    body = {"answers": [answer], "epoch": visitor.session.epoch, "questionnaire": "asked", **fields}
    response = visitor.client.post(f"/p/{visitor.token}/answers/", json.dumps(body), content_type="application/json")
    return response.status_code, response.json()


@pytest.fixture
def anna() -> Visitor:
    open_new_study(asking(*EVERY_ITEM))
    return Visitor().begin()


def test_each_answer_is_kept_when_it_is_given(anna: Visitor) -> None:
    for item, value in EVERY_ANSWER.items():
        assert send(anna, item, value) == (200, {"epoch": anna.session.epoch})
    assert known(anna.session) == EVERY_ANSWER
    assert anna.get("").place == "questions/asked/"  # not gone on from


def test_replay_changes_nothing_even_after_a_newer_answer(anna: Visitor) -> None:
    first = str(uuid.uuid4())
    for _ in range(2):
        assert send(anna, "warm", 1, client_id=first)[0] == 200
    send(anna, "warm", 2)
    assert send(anna, "warm", 1, client_id=first)[0] == 200
    assert known(anna.session) == {"warm": 2}
    assert list(Answer.objects.values_list("value", "revision")) == [(1, 1), (2, 2)]


def test_replay_of_what_said_the_same_as_before_changes_nothing_later(anna: Visitor) -> None:
    sendings = [(1, str(uuid.uuid4())), (1, str(uuid.uuid4())), (2, str(uuid.uuid4()))]
    for value, client_id in [*sendings, sendings[1], sendings[0]]:
        assert send(anna, "warm", value, client_id=client_id)[0] == 200
    assert known(anna.session) == {"warm": 2}
    assert Answer.objects.count() == 3


def test_answer_may_be_half_given_and_taken_back(anna: Visitor) -> None:
    assert send(anna, "tone", {"kind": 3})[0] == 200
    assert send(anna, "drink", {"other": ""})[0] == 200
    assert known(anna.session) == {"tone": {"kind": 3}, "drink": {"other": ""}}
    send(anna, "tone", None)
    assert known(anna.session) == {"drink": {"other": ""}}


def test_answer_that_hides_another_takes_it_back(anna: Visitor) -> None:
    send(anna, "smokes", True)
    send(anna, "cigarettes", 5)
    send(anna, "smokes", False)
    assert known(anna.session) == {"smokes": False}


@pytest.mark.parametrize(
    ("item", "value", "status", "code"),
    [
        ("warm", 9, 422, "invalid"),
        ("age", "old", 422, "invalid"),
        ("story", "x" * 201, 422, "invalid"),
        ("welcome-note", "read", 422, "unknown"),
        ("nothing", 1, 422, "unknown"),
        ("story", "x" * 10_000_000, 413, "too_long"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_words(
    anna: Visitor, item: str, value: Any, status: int, code: str
) -> None:
    send(anna, "story", "Kept.")
    answered, refusal = send(anna, item, value)
    assert (answered, refusal["code"], bool(refusal["message"])) == (status, code, True)
    assert known(anna.session) == {"story": "Kept."}


DAMAGED = [
    "",
    "{",
    "[]",
    "null",
    "1",
    '{"answers": {}}',
    '{"answers": [1]}',
    '{"answers": [{"item": "warm"}]}',
    "[" * 100_000,
    '{"answers": [{"item": "warm", "value": 1, "client_id": "7"}]}',
]
NO_PLACES: list[Any] = ["x", 1.5, True, []]
WHOLE = {"answers": [{"item": "warm", "value": 1, "client_id": str(uuid.UUID(int=7))}]}


@pytest.mark.parametrize("body", [*DAMAGED, *(json.dumps({**WHOLE, "position": place}) for place in NO_PLACES)])
def test_damaged_sending_is_refused_with_words(anna: Visitor, body: str) -> None:
    response = anna.client.post(f"/p/{anna.token}/answers/", body, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (400, "unreadable")


@pytest.mark.parametrize(
    "fields",
    [
        {"questionnaire": "verdict", "pair": 0},
        {"questionnaire": "rating", "position": 0},
        {"questionnaire": "asked", "position": 10**30},
        {"questionnaire": "verdict", "pair": -(10**30)},
        {"questionnaire": "nothing"},
    ],
)
def test_answer_to_a_page_that_is_not_due_is_refused(anna: Visitor, fields: dict[str, Any]) -> None:
    status, refusal = send(anna, "prefer", "A", **fields)
    assert (status, refusal["code"]) == (409, "not_due")


def test_older_tab_is_told_and_takes_over_when_it_says_so(anna: Visitor) -> None:
    epoch = anna.session.epoch
    anna.get("")
    status, refusal = send(anna, "warm", 3, epoch=epoch)
    assert (status, refusal["code"], known(anna.session)) == (409, "taken_over", {})
    status, answer = send(anna, "warm", 3, epoch=epoch, take_over=True)
    assert (status, answer["epoch"]) == (200, anna.session.epoch)
    assert anna.session.epoch > epoch + 1
    assert known(anna.session) == {"warm": 3}


def test_older_tab_that_wants_to_go_on_is_told_and_goes_on_when_it_says_so(anna: Visitor) -> None:
    epoch = anna.session.epoch
    anna.get("")
    whole = [{"item": item, "value": value} for item, value in EVERY_ANSWER.items()]
    body = {"answers": whole, "epoch": epoch, "questionnaire": "asked", "go_on": True}

    def post(**more: Any) -> Any:
        sent = json.dumps({**body, **more})
        return anna.client.post(f"/p/{anna.token}/answers/", sent, content_type="application/json")

    refused = post()
    assert (refused.status_code, refused.json()["code"], known(anna.session)) == (409, "taken_over", {})
    taken = post(take_over=True).json()
    assert (taken["epoch"], taken["next"]) == (anna.session.epoch, f"/p/{anna.token}/consent/")
    assert known(anna.session) == EVERY_ANSWER


def test_no_answer_is_kept_after_the_end_of_a_visit(anna: Visitor) -> None:
    send(anna, "warm", 3)
    withdraw(anna.session)
    status, refusal = send(anna, "warm", 4)
    assert (status, refusal["code"], Answer.objects.count()) == (409, "ended", 0)


def test_paused_study_says_so_and_the_page_tries_again(anna: Visitor) -> None:
    Study.objects.update(state=Study.State.PAUSED)
    status, refusal = send(anna, "warm", 3)
    assert (status, refusal["code"]) == (503, "paused")


def test_session_that_is_not_there_is_not_found(anna: Visitor) -> None:
    assert Client().post("/p/nobody/answers/", "{}", content_type="application/json").status_code == 404


@pytest.mark.services
@pytest.mark.django_db(transaction=True)
def test_answers_sent_at_once_are_kept_once_each() -> None:
    open_new_study(asking(*EVERY_ITEM))
    anna = Visitor().begin()
    token, epoch = anna.token, anna.session.epoch
    ids = [str(uuid.UUID(int=number)) for number in range(8)]

    def post(number: int) -> int:
        answer = {"item": "warm", "value": 1 + number % 7, "client_id": ids[number % 8]}
        try:
            return (
                Client()
                .post(
                    f"/p/{token}/answers/",
                    json.dumps({"answers": [answer], "epoch": epoch, "questionnaire": "asked"}),
                    content_type="application/json",
                )
                .status_code
            )
        finally:
            connection.close()

    with ThreadPoolExecutor(16) as threads:
        assert set(threads.map(post, range(64))) == {200}
    kept = Answer.objects.filter(item="warm").order_by("revision")
    assert [answer.revision for answer in kept] == list(range(1, len(ids) + 1))
    assert sorted(str(answer.client_id) for answer in kept) == ids
    assert Session.objects.get(token=token).answers.count() == len(kept)


@pytest.mark.parametrize(
    "body", [b"--x\r\nfoo", b'--x\r\nContent-Disposition: form-data; name="item"\r\n\r\nage\r\n--x--\r\n']
)
@pytest.mark.parametrize(("path", "status"), [("answers/", 400), ("check/attempts/", 422)])
def test_form_where_json_is_expected_is_damaged(body: bytes, path: str, status: int) -> None:
    open_new_study(paired())
    anna = Visitor().begin().agree()
    strict = Client(enforce_csrf_checks=True)
    strict.get(f"/p/{anna.token}/check/")
    secret = {"X-CSRFToken": strict.cookies["csrftoken"].value}
    path = f"/p/{anna.token}/{path}?epoch={anna.session.epoch}"
    sent = strict.post(path, body, content_type="multipart/form-data; boundary=x", headers=secret)
    assert sent.status_code == status
    assert sent.json()
