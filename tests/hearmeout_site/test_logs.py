"""Logs never hold a participant's link."""

from __future__ import annotations

import logging
import sys

import pytest
from django.test import Client

from hearmeout_site.logs import HideLinks


def hidden(message: str, *arguments: object) -> str:
    record = logging.LogRecord("django.request", logging.ERROR, "", 0, message, arguments, None)
    assert HideLinks().filter(record)
    return record.getMessage()


@pytest.mark.parametrize(
    ("message", "logged"),
    [
        ("Internal Server Error: /p/Ab3-_x9ZkQ11223344/talk/0/", "Internal Server Error: /p/…/talk/0/"),
        ("no link here", "no link here"),
        ("100% of /p/Ab3-_x9ZkQ11223344/", "100% of /p/…/"),
        ("<WebRequest uri=/p/Ab3-_x9ZkQ11223344/answers/ at HTTP/1.1>", "<WebRequest uri=/p/…/answers/ at HTTP/1.1>"),
        ("uri=/s/voices/?PROLIFIC_PID=5f0a&STUDY_ID=1 clientproto", "uri=/s/voices/?… clientproto"),
        ("b'/s/voices/?entry=gAAAAAB-_x=='", "b'/s/voices/?…'"),
        ("http://here.example:8000/s/voices/?entry=gAAA, then", "http://here.example:8000/s/voices/?… then"),
        ("why? because /p/Ab3-_x9ZkQ11223344/consent/copy/", "why? because /p/…/consent/copy/"),
    ],
)
def test_link_in_message_is_hidden(message: str, logged: str) -> None:
    assert hidden(message) == logged


def test_link_in_argument_is_hidden() -> None:
    assert hidden("%s: %s", "Error", "/p/Ab3-_x9ZkQ11223344/") == "Error: /p/…/"


def test_link_in_the_error_below_is_hidden() -> None:
    try:
        raise ValueError("No route found for path 'ws/p/Ab3-_x9ZkQ11223344/preview/x'")
    except ValueError:
        record = logging.LogRecord("daphne", logging.ERROR, "", 0, "Exception inside application", (), sys.exc_info())
    assert HideLinks().filter(record)
    logged = logging.Formatter("%(message)s").format(record)
    assert logged.startswith("Exception inside application\nTraceback")
    assert logged.endswith("No route found for path 'ws/p/…/preview/x'")


@pytest.mark.django_db
def test_link_that_leads_nowhere_is_not_logged(client: Client, capfd: pytest.CaptureFixture[str]) -> None:
    assert client.get("/p/Ab3-_x9ZkQ11223344/").status_code == 404
    out, err = capfd.readouterr()
    assert "Ab3-_x9ZkQ11223344" not in out + err


@pytest.mark.django_db
def test_probe_that_is_told_what_is_missing_leaves_no_line(caplog: pytest.LogCaptureFixture) -> None:
    assert Client().get("/healthz").status_code == 503
    assert caplog.records == []
