"""Who may open what."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import URLResolver, reverse

from studies.models import AccessLog, Session, Take
from studies.researcher import urls
from tests.studies import factories
from tests.studies.voices.library import make_voice


@pytest.fixture
def take(db: None) -> Take:
    return factories.make_take(factories.make_session(factories.make_study()).trials.all()[0])


def addresses_of(patterns: list[Any], known: dict[str, str], before: str = "") -> list[str]:
    """Every address below `patterns`, with the arguments that `known` has."""
    found = []
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += addresses_of(pattern.url_patterns, known, route)
        else:
            found.append("/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda name: known[name[1]], route))
    return found


@pytest.fixture
def addresses(take: Take) -> list[str]:
    """All of the researchers' own; the first leads on to the admin."""
    voice = make_voice()
    known = {
        "slug": "voices",
        "number": "1",
        "take_id": str(take.pk),
        "kind": "participant",
        "version_id": str(voice.pk),
        "draft": str(uuid.uuid4()),
    }
    return addresses_of(urls.urlpatterns[1:], known, "research/")


@pytest.fixture
def readings(take: Take) -> list[str]:
    """Those that take nothing but a glance."""
    return [
        reverse("now"),
        reverse("researcher_track", args=[take.pk, "participant"]),
        reverse("trials_csv", args=["voices"]),
        reverse("codebook_csv", args=["voices"]),
        reverse("codebook", args=["voices"]),
    ]


def ask(client: Client, address: str) -> Any:
    """By the method that it takes."""
    answer = client.get(address)
    return client.post(address) if answer.status_code == 405 else answer


def test_stranger_is_sent_to_sign_in(addresses: list[str], client: Client) -> None:
    found = [ask(client, address) for address in addresses]
    assert [(page.status_code, page["Location"].split("?")[0]) for page in found] == [
        (302, reverse("account_login"))
    ] * len(addresses)
    assert AccessLog.objects.count() == 0


def test_participant_with_a_link_is_a_stranger_here(take: Take, addresses: list[str], client: Client) -> None:
    client.get(reverse("resume", args=[Session.objects.get().token]))
    assert [ask(client, address).status_code for address in addresses] == [302] * len(addresses)


def test_staff_without_permission_is_refused(addresses: list[str], client: Client) -> None:
    client.force_login(factories.make_researcher(permitted=False))
    assert [ask(client, address).status_code for address in addresses] == [403] * len(addresses)


def test_account_without_staff_rights_is_refused(addresses: list[str], client: Client) -> None:
    account = factories.make_researcher()
    account.is_staff = False
    account.save()
    client.force_login(account)
    assert [ask(client, address).status_code for address in addresses] == [403] * len(addresses)


def test_researcher_gets_in(readings: list[str], client: Client) -> None:
    client.force_login(factories.make_researcher())
    assert [client.get(address).status_code for address in readings] == [200] * len(readings)


def test_writing_methods_are_refused(readings: list[str], client: Client) -> None:
    client.force_login(factories.make_researcher())
    assert [client.post(address).status_code for address in readings] == [405] * len(readings)


def test_fragment_moves_the_whole_page_to_sign_in(db: None, client: Client) -> None:
    response = client.get(reverse("now"), headers={"HX-Request": "true"})
    assert (response.status_code, response["HX-Redirect"]) == (200, reverse("account_login"))


def test_every_reading_of_a_track_is_logged(take: Take, client: Client) -> None:
    client.force_login(factories.make_researcher("rosa"))
    response = client.get(reverse("researcher_track", args=[take.pk, "agent"]))
    sent = b"".join(response) if response.streaming else response.content
    with take.tracks.get(kind="agent").file.open("rb") as file:
        assert sent == file.read()
    assert [(entry.reader, str(take.pk) in entry.target) for entry in AccessLog.objects.all()] == [("rosa", True)]


def test_unknown_take_track_and_study_are_not_found(take: Take, client: Client) -> None:
    client.force_login(factories.make_researcher())
    addresses = [
        reverse("researcher_track", args=["00000000-0000-4000-8000-000000000000", "agent"]),
        reverse("researcher_track", args=[take.pk, "other"]),
        reverse("trials_csv", args=["nothing"]),
    ]
    assert [client.get(address).status_code for address in addresses] == [404, 404, 404]


def test_csv_is_streamed_as_a_file(take: Take, client: Client) -> None:
    client.force_login(factories.make_researcher())
    response = client.get(reverse("trials_csv", args=["voices"]))
    assert isinstance(response, StreamingHttpResponse)
    assert (response.is_async, response["Content-Type"]) == (True, "text/csv; charset=utf-8")
    assert response["Content-Disposition"].startswith('attachment; filename="voices-trials-')
