"""Recordings of target voices over HTTP: to inference workers by token, to researchers by permission."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from inference.contract.errors import TargetUnavailable
from inference.contract.tokens import HEARTBEAT, VOICE, sign
from inference.voices.targets import TargetVoices
from studies.models import AccessLog
from studies.models.take import recordings
from studies.voices import drafts, library
from tests.studies.factories import make_researcher
from tests.studies.voices.library import expire, make_voice, reference
from tests.studies.voices.recordings import babble, encoded

SHA256 = reference().sha256


def ask(sha256: str = SHA256, token: str | None = None, **headers: str) -> Any:
    token = sign(VOICE, sha256, settings.WORKER_SECRET) if token is None else token
    return Client(headers={"Authorization": f"Bearer {token}", **headers}).get(f"/voices/{sha256}.flac")


def log() -> list[tuple[str, str, str]]:
    return list(AccessLog.objects.order_by("id").values_list("reader", "action", "target"))


@pytest.mark.django_db
def test_worker_gets_the_recording_and_the_log_names_no_person() -> None:
    make_voice()
    response = ask()
    assert (response.status_code, response.content, response["Content-Type"]) == (200, reference().flac, "audio/flac")
    assert response.cookies == {}
    assert log() == [("inference worker", "fetch", "voice anna v1")]


@pytest.mark.django_db
def test_worker_that_holds_it_is_told_that_it_may() -> None:
    make_voice()
    response = ask(**{"If-None-Match": f'"{SHA256}"'})
    assert (response.status_code, response.content) == (304, b"")
    assert log() == [("inference worker", "use", "voice anna v1")]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("make_token", "status"),
    [
        (lambda: "", 401),
        (lambda: "nonsense", 401),
        (lambda: sign(VOICE, SHA256, "another secret, as long as the right one is"), 401),
        (lambda: sign(VOICE, SHA256, settings.WORKER_SECRET, ttl_sec=-1), 401),
        (lambda: sign(HEARTBEAT, {"name": "x"}, settings.WORKER_SECRET), 401),
        (lambda: sign(VOICE, "0" * 64, settings.WORKER_SECRET), 403),
    ],
    ids=["none", "nonsense", "other secret", "expired", "other purpose", "other voice"],
)
def test_other_tokens_get_nothing(make_token: Callable[[], str], status: int) -> None:
    make_voice()
    response = ask(token=make_token())
    assert (response.status_code, response["Content-Type"]) == (status, "application/json")
    assert log() == []


@pytest.mark.django_db
def test_researcher_is_no_worker() -> None:
    make_voice()
    client = Client()
    client.force_login(make_researcher(superuser=True))
    assert client.get(f"/voices/{SHA256}.flac").status_code == 401


@pytest.mark.django_db
def test_worker_is_told_why_a_voice_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask().status_code == 404
    version = make_voice()
    with monkeypatch.context() as patch:
        expire(version, patch)
        response = ask()
    ended = f"the speaker's consent ended on {version.consent_until:%-d %B %Y}"
    assert (response.status_code, response.json()["message"]) == (410, ended)
    library.withdraw_voice(version.voice, by="vera")
    version.voice.refresh_from_db()
    assert version.voice.withdrawn_at is not None
    withdrew = f"the speaker withdrew on {version.voice.withdrawn_at:%-d %B %Y}, and the recording is erased"
    assert (ask().status_code, ask().json()["message"]) == (410, withdrew)


@pytest.mark.django_db(transaction=True)
async def test_worker_fetches_over_http_until_the_speaker_withdraws(live_server: LiveServer) -> None:
    version = await database_sync_to_async(make_voice)()
    targets = TargetVoices(live_server.url, settings.WORKER_SECRET)
    assert len(await targets.fetch(SHA256)) == reference().duration_samples
    await targets.fetch(SHA256)
    assert await database_sync_to_async(log)() == [
        ("inference worker", "fetch", "voice anna v1"),
        ("inference worker", "use", "voice anna v1"),
    ]
    await database_sync_to_async(library.withdraw_voice)(version.voice, by="vera")
    with pytest.raises(TargetUnavailable, match="the speaker withdrew on"):
        await targets.fetch(SHA256)


# researchers


@pytest.fixture
def rosa(db: None, client: Client) -> User:
    researcher = make_researcher()
    client.force_login(researcher)
    return researcher


def test_researcher_hears_a_voice_and_is_logged(rosa: User, client: Client) -> None:
    version = make_voice()
    response = client.get(reverse("researcher_voice", args=[version.pk]), headers={"Range": "bytes=0-3"})
    assert (response.status_code, response.content) == (206, b"fLaC")
    assert log() == [("rosa", "listen", "voice anna v1")]


@pytest.mark.django_db
def test_others_do_not_hear_it(client: Client) -> None:
    address = reverse("researcher_voice", args=[make_voice().pk])
    assert client.get(address).status_code == 302
    client.force_login(make_researcher("max", permitted=False))
    assert client.get(address).status_code == 403
    assert log() == []


def send(client: Client, data: bytes) -> Any:
    return client.post(reverse("upload_voice"), {"audio": SimpleUploadedFile("anything.png", data)})


def test_upload_is_judged_and_kept_for_its_form(rosa: User, client: Client) -> None:
    response = send(client, encoded(babble(15, 210.0, 1.17, 3)))
    answer = response.json()
    assert (response.status_code, answer["verdict"]) == (201, "ok")
    assert "There is no sign of a second speaker" in answer["report"]
    kept = drafts.load(answer["draft"], rosa.pk)
    assert kept is not None
    assert client.get(reverse("voice_draft", args=[answer["draft"]])).content == kept.flac


def test_name_of_an_upload_decides_nothing(rosa: User, client: Client) -> None:
    response = send(client, b"\x89PNG\r\n\x1a\n" + bytes(100))
    assert (response.status_code, response.json()["code"]) == (422, "wrong_type")


def test_request_without_a_file(rosa: User, client: Client) -> None:
    assert client.post(reverse("upload_voice")).status_code == 400


def test_large_request_is_refused_by_its_length(rosa: User, client: Client) -> None:
    response = client.post(reverse("upload_voice"), headers={"Content-Length": str(66 * 2**20)})
    assert response.status_code == 413


def test_draft_is_its_owners_alone(rosa: User, client: Client) -> None:
    draft = drafts.keep(reference(), rosa.pk)
    other = make_researcher("max")
    client.force_login(other)
    assert client.get(reverse("voice_draft", args=[draft])).status_code == 404
    assert drafts.load(draft, other.pk) is None


def test_who_may_not_add_voices_may_not_upload(db: None, client: Client) -> None:
    viewer = make_researcher("max", permitted=False)
    viewer.user_permissions.add(Permission.objects.get(codename="view_targetvoice"))
    client.force_login(viewer)
    assert send(client, encoded(babble(6))).status_code == 403


def test_old_drafts_go(rosa: User) -> None:
    draft = drafts.keep(reference(), rosa.pk)
    now = timezone.now()
    assert drafts.drop_old(now + drafts.KEPT / 2) == 0
    assert drafts.drop_old(now + drafts.KEPT * 1.01) == 2
    assert drafts.load(draft, rosa.pk) is None


def test_draft_that_never_was(rosa: User, client: Client) -> None:
    assert client.get(reverse("voice_draft", args=[uuid4()])).status_code == 404
    assert not recordings().exists(drafts.flac_name(uuid4(), rosa.pk))
