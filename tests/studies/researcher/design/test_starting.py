"""A study begins from a template, a file, another study or nothing; what is broken begins as a broken draft."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from studies.models import Study
from studies.researcher.design.starting import templates
from studies.researcher.design.writing.checking import report_on
from studies.researcher.design.writing.drafts import skeleton

from .conftest import PAIRED

NEW = "/research/studies/new/"


def upload(browser: Client, content: bytes, name: str = "study.yaml"):  # type: ignore[no-untyped-def]
    return browser.post(NEW, {"source": "file", "file": SimpleUploadedFile(name, content)})


def test_gallery_shows_four_templates_that_can_be_published(browser: Client) -> None:
    page = browser.get(NEW).content.decode()
    assert len(templates()) == 4
    for template in templates():
        assert f"> from {template.title}</span>" in page
        assert browser.post(NEW, {"source": "template", "name": template.name}).status_code == 302
        study = Study.objects.get(slug=template.name)
        report = report_on(study.draft.text, study)
        assert (study.title, report.errors, report.obstacles) == (template.title, (), ())


def test_second_study_of_a_template_gets_a_link_of_its_own(browser: Client) -> None:
    for slug in ("explore", "explore-2", "explore-3"):
        answer = browser.post(NEW, {"source": "template", "name": "explore"})
        assert answer["Location"] == reverse("design", args=[slug])


def test_skeleton_is_valid(browser: Client) -> None:
    browser.post(NEW, {"source": "empty"})
    study = Study.objects.get()
    assert (study.title, report_on(skeleton(), study).errors) == ("Untitled study", ())


def test_file_becomes_a_draft_with_its_title(browser: Client) -> None:
    assert (
        upload(browser, PAIRED.replace("\n", "\r\n").encode("utf-8-sig"))["Location"]
        == "/research/studies/study/design/"
    )
    study = Study.objects.get()
    assert (study.title, study.draft.text) == ("Paired prompts", PAIRED)


@pytest.mark.parametrize("text", ["title: [", "a: 1\na: 2", "kind: planned\ntitle: Half\n", "just words", "x: &a [*a]"])
def test_broken_file_becomes_a_draft_and_is_not_lost(browser: Client, text: str) -> None:
    answer = browser.post(NEW, {"source": "file", "file": SimpleUploadedFile("Mine.yaml", text.encode())}, follow=True)
    assert answer.status_code == 200
    assert Study.objects.get().draft.text == text
    assert "The draft is saved as it is. It has" in answer.content.decode()
    assert answer.context["start"]["report"]["problems"] != []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"   \n", "empty"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe\x00", "not text in UTF-8"),
        (b"a: \x00", "character that text cannot have"),
        (b"a" * 10_000_000, "larger than 2 MB"),
        (b"a" * 600_000, "500,000 at most"),
    ],
)
def test_file_that_holds_no_text_is_refused_with_a_reason(browser: Client, content: bytes, told: str) -> None:
    answer = upload(browser, content)
    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert not Study.objects.exists()


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"source": "moon"},
        {"source": "template", "name": "none"},
        {"source": "file"},
        {"source": "copy", "name": "\x00"},
    ],
)
def test_nothing_to_start_from_is_said(browser: Client, sent: dict[str, str]) -> None:
    assert browser.post(NEW, sent).status_code == 422
    assert not Study.objects.exists()


def test_copy_has_the_draft_of_the_other_study(browser: Client, study: Study) -> None:
    assert (
        browser.post(NEW, {"source": "copy", "name": "paired"})["Location"] == "/research/studies/paired-copy/design/"
    )
    assert Study.objects.get(slug="paired-copy").draft.text == PAIRED
    assert browser.post(NEW, {"source": "copy", "name": "nobody"}).status_code == 404


def test_title_of_any_kind_makes_a_study(browser: Client) -> None:
    for title in ("日本語", "x" * 900, '"' + "a b " * 90 + '"', "[1]", "12", "''", "Ünïcode & co"):
        assert upload(browser, f"title: {title}\n".encode(), name="…").status_code == 302
    assert all(1 <= len(study.title) <= 200 for study in Study.objects.all())
