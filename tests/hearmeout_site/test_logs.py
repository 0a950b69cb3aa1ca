"""Logs never hold a participant's link."""

from __future__ import annotations

import logging

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
    ],
)
def test_link_in_message_is_hidden(message: str, logged: str) -> None:
    assert hidden(message) == logged


def test_link_in_argument_is_hidden() -> None:
    assert hidden("%s: %s", "Error", "/p/Ab3-_x9ZkQ11223344/") == "Error: /p/…/"


@pytest.mark.django_db
def test_link_that_leads_nowhere_is_not_logged(client: Client, capfd: pytest.CaptureFixture[str]) -> None:
    assert client.get("/p/Ab3-_x9ZkQ11223344/").status_code == 404
    out, err = capfd.readouterr()
    assert "Ab3-_x9ZkQ11223344" not in out + err
