"""While the database is away, every page says to try again."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as configured
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import URLResolver, get_resolver, path, reverse

from hearmeout_site import urls
from studies.models import Trial
from tests.studies import factories

SAMPLES = {"int": "1", "uuid": "00000000-0000-4000-8000-000000000000", "kind": "agent", "path": "1", "str": "x"}
MACHINES = ("/workers/", "/voices/", "/healthz")


def addresses(patterns: list[Any], before: str = "/") -> Iterator[str]:
    """Every address of the site, each with a sample of what varies in it."""
    for pattern in patterns:
        route = before + re.sub(r"[\\^$]|\\Z", "", str(pattern.pattern)) if "(?P" not in str(pattern.pattern) else ""
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        elif route:
            yield re.sub(r"<(?:(\w+):)?\w+>", lambda found: SAMPLES.get(found[1] or "str", "sample"), route)


def away(error: type[Exception]) -> Any:
    def refuse(*_: Any) -> None:
        raise error("the database is away")

    return connection.execute_wrapper(refuse)


@pytest.fixture
def rosa(db: None) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(factories.make_researcher("rosa", superuser=True))
    return client


@pytest.fixture(autouse=True)
def _fast(settings: Any) -> None:
    settings.WHITENOISE_USE_FINDERS = False


def test_every_page_says_try_again(rosa: Client) -> None:
    asked = [address for address in addresses(get_resolver().url_patterns) if not address.startswith(MACHINES)]
    assert len(asked) > 120
    found = {}
    with away(OperationalError):
        for address in asked:
            answer = rosa.get(address)
            answer = rosa.post(address) if answer.status_code == 405 else answer
            found[address] = (answer.status_code, answer.get("Retry-After"))
    assert {address: told for address, told in found.items() if told != (503, "5")} == {}


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_page_says_it_in_words_and_a_script_gets_a_code(error: type[Exception], rosa: Client) -> None:
    with away(error):
        page = rosa.get("/", headers={"Accept-Language": "de"})
        answer = rosa.post("/p/sample/trials/0/takes/", headers={"Accept": "application/json"})
    assert "Bitte versuchen Sie es gleich noch einmal" in page.content.decode()
    assert (answer.status_code, answer.json()) == (
        503,
        {
            "code": "try_again",
            "message": "Our database is not responding right now. What was saved before is still there.",
        },
    )


def test_other_errors_are_faults_of_ours(rosa: Client) -> None:
    with away(KeyError):
        assert rosa.get("/").status_code == 500


@pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite alone is locked as a whole")
def test_talk_that_cannot_begin_while_the_database_is_locked_can_be_tried_again(transactional_db: None) -> None:
    session = factories.make_session(factories.make_study())
    factories.make_worker(engines={"cascade": {}}, converters=["none", "transform"])
    client = Client(raise_request_exception=False)
    begin = reverse("create_take", args=[session.token, 0])
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 1")
    other = sqlite3.connect(connection.settings_dict["NAME"])
    try:
        other.execute("BEGIN EXCLUSIVE")
        answer = client.post(begin, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (503, "try_again")
        page = client.post(reverse("withdraw", args=[session.token]), {"confirm": "on", "epoch": session.epoch})
        assert (page.status_code, page.get("Retry-After")) == (503, "5")
    finally:
        other.close()
    assert client.post(begin).status_code == 201
    assert Trial.objects.get(session=session, position=0).takes.count() == 1


def test_pages_wait_for_the_database_no_longer_than_a_browser_does() -> None:
    assert (
        configured.DATABASES["default"]["OPTIONS"].get(
            "timeout", configured.DATABASES["default"]["OPTIONS"].get("connect_timeout")
        )
        == 5
    )


def locked(request: HttpRequest) -> HttpResponse:
    raise OperationalError("database is locked")


urlpatterns = [path("locked/", locked)]
handler500 = urls.handler500


@override_settings(ROOT_URLCONF=__name__)
async def test_server_that_answers_many_at_once_says_it_too() -> None:
    answer = await AsyncClient(raise_request_exception=False).get("/locked/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
