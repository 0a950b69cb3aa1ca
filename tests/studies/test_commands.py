"""Commands as they are typed, in any order of their arguments."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.http import StreamingHttpResponse
from django.test import Client

from studies.models import Study
from tests.studies import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("place", [0, 1, 2])
def test_export_takes_its_file_before_and_behind_the_options(tmp_path: Path, place: int) -> None:
    factories.make_session(factories.make_study())
    parts = [["voices"], ["--table", "sessions"]]
    parts.insert(max(1, place), [str(tmp_path / "sessions.csv")])
    call_command("export", *(word for part in parts for word in part))
    assert (tmp_path / "sessions.csv").read_text().startswith("study,version,")


def test_export_for_excel_begins_with_its_mark_and_is_otherwise_the_same(tmp_path: Path, client: Client) -> None:
    factories.make_session(factories.make_study())
    call_command("export", "voices", "--excel", str(tmp_path / "excel.csv"))
    call_command("export", "voices", str(tmp_path / "plain.csv"))
    excel, plain = (tmp_path / "excel.csv").read_bytes(), (tmp_path / "plain.csv").read_bytes()
    assert excel == b"\xef\xbb\xbf" + plain
    client.force_login(factories.make_researcher())
    answer = client.get("/research/studies/voices/trials.csv?for=excel")
    assert isinstance(answer, StreamingHttpResponse)
    assert b"".join(answer) == excel


@pytest.mark.parametrize("words", [["ada"], ["--username", "ada"]])
def test_researcher_is_created_by_name(words: list[str]) -> None:
    call_command("create_researcher", *words)
    assert User.objects.filter(username="ada", is_staff=True).count() == 1


def test_researcher_without_a_name_is_the_first_one() -> None:
    call_command("create_researcher")
    assert User.objects.get().username == "researcher"


def test_versions_of_a_draft_say_that_there_are_none(client: Client) -> None:
    Study.objects.create(slug="voices", title="A draft")
    client.force_login(factories.make_researcher())
    answer = client.get("/research/studies/voices/design/versions/")
    assert answer.status_code == 200
    assert "Nothing is published yet." in answer.content.decode()
