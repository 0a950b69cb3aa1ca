"""The talk page's requests, heartbeats, health, and who may hear what."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from structlog.testing import capture_logs

from inference.contract.tokens import VoiceSegment
from studies.errors import RangeError
from studies.models import AccessLog, InferenceWorker, Session, Take, Trial
from studies.talk import takes
from studies.talk.byte_ranges import ByteRange, parse_range
from studies.talk.filing.filing import file_take
from studies.talk.requests import slot_request
from tests.studies.factories import make_session, make_take, make_worker
from tests.studies.talk.filing.test_filing import talk, write_journal

CONVERTERS = ["none", "transform"]


@pytest.fixture
def worker(transactional_db: None) -> InferenceWorker:
    return make_worker(engines={"cascade": {}}, converters=CONVERTERS)


def create(session: Session, position: int = 0) -> Any:
    return Client().post(reverse("create_take", args=[session.token, position]))


def test_create_take_hands_out_all_that_the_page_needs(session: Session, worker: InferenceWorker) -> None:
    response = create(session)
    take = Take.objects.get()
    answer = response.json()
    assert response.status_code == 201
    assert takes.redeem_ticket(take.pk, answer.pop("ticket")).take_id == take.pk
    assert answer == {
        "take": str(take.pk),
        "socketUrl": f"/ws/talk/{take.pk}/",
        "ticketUrl": f"/p/{session.token}/takes/{take.pk}/ticket/",
        "statusUrl": f"/p/{session.token}/takes/{take.pk}/",
        "limitMs": take.trial.prompt.limit_sec * 1_000,
        "graceMs": 15_000,
    }


def test_create_take_again_numbers_on_and_ends_the_first(session: Session, worker: InferenceWorker) -> None:
    create(session)
    create(session, 1)
    create(session)
    found = Take.objects.order_by("created_at").values_list("trial__position", "number", "state", "outcome")
    assert list(found) == [(0, 1, "ended", "abandoned"), (1, 1, "ended", "abandoned"), (0, 2, "planned", "")]


def test_talk_that_was_had_is_not_begun_again(session: Session, worker: InferenceWorker) -> None:
    make_take(session.trials.get(position=0))
    response = create(session)
    assert (response.status_code, response.json()["code"], Take.objects.count()) == (409, "talk_done", 1)
    assert create(session, 1).status_code == 201


def test_older_tab_begins_no_talk_and_ends_none(session: Session, worker: InferenceWorker) -> None:
    assert create(session).status_code == 201
    address = reverse("create_take", args=[session.token, 0])
    response = Client().post(f"{address}?epoch={session.epoch - 1}")
    assert (response.status_code, response.json()["code"]) == (409, "another_tab")
    assert [take.state for take in Take.objects.all()] == [Take.State.PLANNED]
    assert Client().post(f"{address}?epoch={session.epoch}").status_code == 201


def test_create_take_without_a_worker(session: Session) -> None:
    response = create(session)
    assert (response.status_code, response.json()["code"]) == (503, "no_worker")
    assert not Take.objects.exists()


def test_create_take_without_consent(session: Session, worker: InferenceWorker) -> None:
    session.consents.create(purpose="record", granted=False, document_sha256="0" * 64)
    response = create(session)
    assert (response.status_code, response.json()["code"]) == (403, "no_consent")
    assert not Take.objects.exists()


def test_create_take_in_a_session_that_is_over(session: Session, worker: InferenceWorker) -> None:
    Session.objects.filter(pk=session.pk).update(state=Session.State.FINISHED)
    response = create(session)
    assert (response.status_code, response.json()["code"]) == (409, "session_over")


def test_create_take_with_a_full_disk(session: Session, worker: InferenceWorker, settings: Any) -> None:
    settings.JOURNAL_MIN_FREE_BYTES = 2**62
    response = create(session)
    assert (response.status_code, response.json()["code"]) == (503, "disk_full")


def test_create_take_needs_the_csrf_token(session: Session, worker: InferenceWorker) -> None:
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(reverse("create_take", args=[session.token, 0])).status_code == 403
    assert not Take.objects.exists()


@pytest.mark.parametrize("name", ["issue_ticket", "take_status"])
def test_take_of_another_session_is_not_found(session: Session, take: Take, name: str) -> None:
    other = make_session(session.version, "P-002")
    client = Client()
    ask = client.post if name == "issue_ticket" else client.get
    assert ask(reverse(name, args=[other.token, take.pk])).status_code == 404
    assert ask(reverse(name, args=[session.token, take.pk])).status_code == 200
    assert ask(reverse(name, args=[session.token, uuid4()])).status_code == 404


def test_ticket_for_a_take_that_is_over(session: Session, take: Take) -> None:
    takes.end_take(take.pk, Take.Outcome.COMPLETED, "participant")
    response = Client().post(reverse("issue_ticket", args=[session.token, take.pk]))
    assert (response.status_code, response.json()["code"]) == (409, "take_over")


@pytest.fixture
def filed(take: Take) -> Take:
    write_journal(take, talk())
    takes.end_take(take.pk, Take.Outcome.COMPLETED, "participant")
    file_take(take.pk)
    take.refresh_from_db()
    return take


def test_status_of_a_filed_take(session: Session, filed: Take) -> None:
    assert Client().get(reverse("take_status", args=[session.token, filed.pk])).json() == {
        "state": "final",
        "outcome": "completed",
        "filed": True,
        "error": "",
        "audible": {"agent": [[0.0, 0.24]], "heard": [[0.0, 0.22]], "participant": [[0.0, 0.24]]},
        "transcript": [{"role": "agent", "text": "hi", "start_ms": 80.0}],
    }


def track_url(session: Session, take: Take, kind: str = "agent") -> str:
    return reverse("participant_track", args=[session.token, take.pk, kind])


def test_track_whole_and_in_parts(session: Session, filed: Take) -> None:
    whole = Client().get(track_url(session, filed))
    data = filed.tracks.get(kind="agent").file.open("rb").read()
    assert (whole.status_code, whole.content, whole["Content-Type"]) == (200, data, "audio/flac")
    assert (whole["Accept-Ranges"], whole["Cache-Control"]) == ("bytes", "private, no-store")
    part = Client().get(track_url(session, filed), headers={"Range": "bytes=4-9"})
    assert (part.status_code, part.content) == (206, data[4:10])
    assert (part["Content-Range"], part["Content-Length"]) == (f"bytes 4-9/{len(data)}", "6")
    assert (
        list(AccessLog.objects.values_list("reader", "action", "target"))
        == [("participant", "listen", f"{filed.pk} agent")] * 2
    )


def test_track_with_conditions(session: Session, filed: Take) -> None:
    url = track_url(session, filed)
    etag = Client().get(url)["ETag"]
    assert etag == f'"{filed.tracks.get(kind="agent").sha256}"'
    assert Client().get(url, headers={"If-None-Match": etag}).status_code == 304
    assert Client().get(url, headers={"Range": "bytes=0-1", "If-Range": etag}).status_code == 206
    assert Client().get(url, headers={"Range": "bytes=0-1", "If-Range": '"another"'}).status_code == 200
    beyond = Client().get(url, headers={"Range": "bytes=99999999-"})
    assert (beyond.status_code, beyond["Content-Range"][:8]) == (416, "bytes */")
    head = Client().head(url)
    assert (head.status_code, head.content, int(head["Content-Length"]) > 100) == (200, b"", True)
    assert Client().post(url).status_code == 405


def test_track_is_for_its_own_participant_until_they_withdraw(session: Session, filed: Take) -> None:
    other = make_session(session.version, "P-002")
    assert Client().get(track_url(other, filed)).status_code == 404
    Session.objects.filter(pk=session.pk).update(state=Session.State.WITHDRAWN)
    assert Client().get(track_url(session, filed)).status_code == 404
    assert not AccessLog.objects.exists()


def test_track_that_is_no_longer_what_was_filed_is_not_served(session: Session, filed: Take) -> None:
    url, track = track_url(session, filed), filed.tracks.get(kind="agent")
    assert Client().get(url).status_code == 200
    file = Path(track.file.path)
    file.write_bytes(file.read_bytes()[:-1])
    with capture_logs() as logs:
        answers = [Client().get(url), Client().get(url, headers={"Range": "bytes=0-9"}), Client().head(url)]
    assert [answer.status_code for answer in answers] == [500, 500, 500]
    assert (
        answers[0].content == b"This recording is damaged: the file no longer matches the hash that was filed with it."
    )
    assert [(entry["event"], entry["file"]) for entry in logs] == [("recording_differs", track.file.name)] * 3
    assert AccessLog.objects.count() == 1


def test_track_whose_file_is_gone(session: Session, filed: Take) -> None:
    filed.tracks.get(kind="agent").file.delete(save=False)
    assert Client().get(track_url(session, filed)).status_code == 404


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", None),
        ("bytes=0-0", ByteRange(0, 0)),
        ("bytes=2-", ByteRange(2, 9)),
        ("bytes=2-99", ByteRange(2, 9)),
        ("bytes=-3", ByteRange(7, 9)),
        ("bytes=-99", ByteRange(0, 9)),
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("bytes=0-1,4-5", None),
        ("frames=0-1", None),
        ("bytes=a-b", None),
    ],
)
def test_range(header: str, expected: ByteRange | None) -> None:
    assert parse_range(header, 10) == expected


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=10-12", "bytes=-0"])
def test_range_outside_the_file(header: str) -> None:
    with pytest.raises(RangeError):
        parse_range(header, 10)


def test_request_says_all_of_the_condition_and_nothing_of_the_person(session: Session) -> None:
    trial: Trial = session.trials.select_related("session", "condition").get(position=1)
    condition = trial.condition
    condition.voices = [
        {"converter": "none", "preset": "", "parameters": {}, "start_sec": 0, "end_sec": 1.5},
        {
            "converter": "transform",
            "preset": "lower",
            "parameters": {"f0_ratio": 0.6},
            "start_sec": 1.5,
            "end_sec": None,
        },
    ]
    take = Take(trial=trial, number=1, limit_ms=1)
    request = slot_request(take)
    seed = request.seed
    assert (request.take, request.engine) == (str(take.pk), "cascade")
    assert request.voices == (
        VoiceSegment("none", 0, 36_000, {}, seed),
        VoiceSegment("transform", 36_000, None, {"f0_ratio": 0.6}, seed),
    )
    assert slot_request(Take(trial=trial, number=1, limit_ms=1)).seed == seed
    assert slot_request(Take(trial=trial, number=2, limit_ms=1)).seed != seed
    assert session.token not in repr(request)


def test_health(worker: InferenceWorker) -> None:
    response = Client().get(reverse("health"))
    assert (response.status_code, response.json()["workers"], response.json()["wrong"]) == (200, 1, [])


def test_health_without_room_or_worker(transactional_db: None, settings: Any) -> None:
    settings.JOURNAL_MIN_FREE_BYTES = 2**62
    response = Client().get(reverse("health"))
    assert (response.status_code, response.json()["wrong"]) == (503, ["no inference worker", "disk"])
