"""What the editor is told, and what becomes of what is typed in it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from studies.models import Study, StudyDraft
from studies.protocol.reading.yaml_text import MAX_CHARACTERS
from studies.publish import publish
from studies.researcher.design.writing.checking import report_on
from tests.studies import factories

from .conftest import PAIRED


def post(browser: Client, name: str, study: Study, body: object) -> Any:
    return browser.post(reverse(name, args=[study.slug]), json.dumps(body), content_type="application/json")


def save(browser: Client, study: Study, text: str, revision: int) -> Any:
    return post(browser, "design_save", study, {"text": text, "revision": revision})


def test_page_holds_the_draft_and_what_is_wrong_with_it(browser: Client, study: Study) -> None:
    StudyDraft.objects.update(text=PAIRED.replace("kind: planned", "kind: plannd"))
    page = browser.get(reverse("design", args=[study.slug]))
    assert page.status_code == 200
    start = page.context["start"]
    assert start["text"] == PAIRED.replace("kind: planned", "kind: plannd")
    line = PAIRED.splitlines().index("kind: planned") + 1
    assert [(problem["path"], problem["line"], problem["kind"]) for problem in start["report"]["problems"]] == [
        ("kind", line, "error")
    ]


def test_draft_is_kept_and_its_revision_grows(browser: Client, study: Study, anna: User) -> None:
    first = save(browser, study, PAIRED + "# more\n", 1)
    assert (first.status_code, first.json()["revision"], first.json()["by"]) == (200, 2, anna.username)
    assert save(browser, study, PAIRED + "# more\n", 2).json()["revision"] == 2
    assert StudyDraft.objects.get().text == PAIRED + "# more\n"


@pytest.mark.parametrize(
    "text", ["", "a: [", "\t", "&a [*a]", "title: 1", "- a\n- b", "{" * 3000, "a: !!python/none x", "\u2028"]
)
def test_broken_draft_is_kept_with_its_problems(browser: Client, study: Study, text: str) -> None:
    answer = save(browser, study, text, 1)
    assert answer.status_code == 200
    assert answer.json()["report"]["valid"] is False
    assert all(problem["line"] >= 1 and problem["message"] for problem in answer.json()["report"]["problems"])
    assert answer.json()["report"]["problems"] != []
    assert StudyDraft.objects.get().text == text


def test_second_writer_is_told_and_nothing_is_overwritten(browser: Client, study: Study) -> None:
    bo = Client()
    bo.force_login(factories.make_researcher("bo"))
    assert save(bo, study, PAIRED + "# of Bo\n", 1).status_code == 200
    answer = save(browser, study, PAIRED + "# of Anna\n", 1)
    assert answer.status_code == 409
    told = answer.json()
    assert (told["text"], told["revision"], told["by"]) == (PAIRED + "# of Bo\n", 2, "bo")
    assert StudyDraft.objects.get().text == PAIRED + "# of Bo\n"
    assert save(browser, study, PAIRED + "# of both\n", told["revision"]).status_code == 200


def test_same_words_of_two_writers_are_no_conflict(browser: Client, study: Study) -> None:
    assert save(browser, study, PAIRED + "#\n", 1).status_code == 200
    assert save(browser, study, PAIRED + "#\n", 1).status_code == 200


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a" * (MAX_CHARACTERS + 1), "500,000 at most"),
        ("a\nb\x00", "Line 2 contains a character that text cannot have (U+0000)"),
        ("\ud800", "Line 1 contains a character that text cannot have (U+D800)"),
    ],
)
def test_text_that_cannot_be_kept_is_refused_and_the_draft_stays(
    browser: Client, study: Study, text: str, told: str
) -> None:
    for name in ("design_save", "design_validate", "design_rewrite"):
        answer = post(browser, name, study, {"text": text, "revision": 1, "edits": []})
        assert answer.status_code == 422
        assert told in answer.json()["message"]
    assert StudyDraft.objects.get().text == PAIRED


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"[]", b"{", b"[" * 100_000, b'{"text": 1}', b"x" * 3_000_000])
@pytest.mark.parametrize("name", ["design_save", "design_validate", "design_rewrite"])
def test_what_no_page_sends_is_refused(browser: Client, study: Study, name: str, body: bytes) -> None:
    answer = browser.post(reverse(name, args=[study.slug]), body, content_type="application/json")
    assert (answer.status_code, list(answer.json())) == (422, ["message"])


@pytest.mark.parametrize("revision", [None, "1", True, 1.5, 10**30, -(10**30)])
def test_revision_that_is_no_number_is_refused(browser: Client, study: Study, revision: object) -> None:
    answer = post(browser, "design_save", study, {"text": "a: 1", "revision": revision})
    assert answer.status_code == 422
    assert StudyDraft.objects.get().text == PAIRED


def test_validation_keeps_nothing_and_says_what_stands_in_the_way(browser: Client, study: Study) -> None:
    text = PAIRED.replace("engine: cascade", "engine: echo", 1)
    report = post(browser, "design_validate", study, {"text": text}).json()
    assert report["valid"] is True
    assert [problem["kind"] for problem in report["problems"]] == ["obstacle"]
    assert text.splitlines()[report["problems"][0]["line"] - 1].strip() == "engine: echo"
    assert StudyDraft.objects.get().text == PAIRED


def test_change_in_the_form_comes_back_as_text(browser: Client, study: Study) -> None:
    edits = [{"do": "put", "path": ["title"], "value": "Changed"}]
    answer = post(browser, "design_rewrite", study, {"text": PAIRED, "edits": edits})
    assert answer.json() == {"text": PAIRED.replace("title: Paired prompts", "title: Changed", 1)}


def test_older_version_is_offered_and_the_draft_stays(browser: Client, study: Study) -> None:
    protocol = report_on(PAIRED, study).protocol
    assert protocol is not None
    publish(study, protocol)
    StudyDraft.objects.update(text="title: broken")
    start = browser.get(reverse("design", args=[study.slug]), {"version": "1"}).context["start"]
    assert start["text"] == "title: broken"
    assert report_on(start["restored"]["text"], study).protocol == protocol
    for nonsense in ("2", "x", "-1", "９", "9" * 40):
        page = browser.get(reverse("design", args=[study.slug]), {"version": nonsense})
        assert page.context["start"]["restored"] is None


def test_draft_can_be_downloaded_with_its_comments(browser: Client, study: Study) -> None:
    answer: HttpResponse = browser.get(reverse("design_draft", args=[study.slug]))  # type: ignore[assignment]
    assert answer.content.decode() == PAIRED
    assert answer["Content-Disposition"] == 'attachment; filename="paired-draft.yaml"'


def test_schema_of_the_form_has_every_part_of_a_protocol(browser: Client, study: Study) -> None:
    sent = browser.get(reverse("design_schema")).json()
    shown = [
        key
        for section in browser.get(reverse("design", args=[study.slug])).context["start"]["sections"]
        for key in section["keys"]
    ]
    assert sorted([*shown, "version", "translations"]) == sorted(sent["schema"]["properties"])
    assert "cascade" in sent["names"]["engines"]
    assert "echo" not in sent["names"]["engines"]


def test_study_is_called_what_its_draft_says_until_it_is_published(browser: Client, study: Study) -> None:
    renamed = PAIRED.replace("title: Paired prompts", "title: Two voices", 1)
    save(browser, study, renamed, 1)
    study.refresh_from_db()
    assert study.title == "Two voices"
    protocol = report_on(renamed, study).protocol
    assert protocol is not None
    publish(study, protocol)
    save(browser, study, PAIRED, 2)
    study.refresh_from_db()
    assert study.title == "Two voices"
