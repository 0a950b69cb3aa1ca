"""Translating in the browser: the texts of a study, what each language lacks, and which languages there are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from studies.models import Study, StudyDraft
from studies.protocol.languages import translatable
from studies.protocol.reading.document import parse_yaml
from studies.researcher.design.writing import drafts
from studies.researcher.design.writing.checking import data_in

from .conftest import PAIRED

SMALL = """\
version: 2  # a comment that stays
kind: planned
title: Voices
summary: Two voices.
languages: [en, ar] # as spoken here
welcome: Hello.
consent:
  text: Please.
  purposes:
    - {key: participate, label: I take part.}
    - {key: record, label: Record me.}
prompts: [{key: free, title: Anything, card: Say anything.}]
conditions:
  - {key: own, label: Own, engine: cascade, text_prompt: Be brief.}
design: {cells: crossed}
debrief: Thanks.
translations:
  ar:
    title: أصوات
    gone.text: قديم
"""
REQUIRED = [
    text.path for text in translatable(parse_yaml(SMALL.split("translations:")[0].replace(", ar", ""))) if text.required
]


@pytest.fixture
def study(anna: User) -> Study:
    return drafts.create(SMALL, anna, name="small")


def page(browser: Client, study: Study, **query: str) -> Any:
    return browser.get(reverse("design_translate", args=[study.slug]), query)


def post(browser: Client, study: Study, do: str, language: str) -> Any:
    return browser.post(reverse("design_translate", args=[study.slug]), {"do": do, "language": language}, follow=True)


def draft() -> str:
    return StudyDraft.objects.get().text


def test_every_text_stands_beside_its_translation(browser: Client, study: Study) -> None:
    found = page(browser, study)
    assert found.status_code == 200
    lines = [line for part in found.context["parts"] for line in part.lines]
    assert [line.text.path for line in lines if line.text.required] == REQUIRED
    assert [line.text.path for line in lines if not line.text.required] == ["conditions.own.text_prompt"]
    assert {line.text.path: line.said for line in lines if line.said} == {"title": "أصوات"}
    html = found.content.decode()
    assert '<textarea id="title" data-path="title" lang="ar" dir="rtl"' in html
    assert "Please." in html


def test_language_says_how_far_it_is(browser: Client, study: Study) -> None:
    (language,) = page(browser, study).context["languages"]
    assert (language.tag, language.done, language.total) == ("ar", 1, len(REQUIRED))


def test_text_that_belongs_nowhere_is_shown_apart(browser: Client, study: Study) -> None:
    assert page(browser, study).context["strays"] == [("gone.text", "قديم")]


def test_language_with_something_missing_comes_first(browser: Client, study: Study, anna: User) -> None:
    complete = drafts.create(PAIRED.replace("[en, sv, de]", "[en, sv, de, fi]"), anna, name="complete")
    assert page(browser, complete).context["language"].tag == "fi"
    assert page(browser, complete, language="de").context["language"].tag == "de"
    assert page(browser, complete, language="xx").context["language"].tag == "fi"


def test_translation_is_written_by_the_edits_of_the_form(browser: Client, study: Study) -> None:
    edits = [{"do": "put", "path": ["translations", "ar", "prompts.free.card"], "value": "قل\nشيئا"}]
    edits.append({"do": "drop", "path": ["translations", "ar", "gone.text"]})
    body = json.dumps({"text": SMALL, "edits": edits})
    answer = browser.post(reverse("design_rewrite", args=[study.slug]), body, content_type="application/json")
    after = answer.json()["text"]
    assert after == SMALL.replace("    gone.text: قديم\n", "    prompts.free.card: |-\n      قل\n      شيئا\n")


@pytest.mark.parametrize(("typed", "tag"), [("fi", "fi"), (" FI ", "fi"), ("pt-br", "pt-BR"), ("sr_latn", "sr-Latn")])
def test_language_is_added_and_comments_stay(browser: Client, study: Study, typed: str, tag: str) -> None:
    answer = post(browser, study, "add", typed)
    assert answer.context["language"].tag == tag
    assert draft() == SMALL.replace("[en, ar]", f"[en, ar, {tag}]")


def test_first_other_language_is_added_where_none_is_named(browser: Client, study: Study) -> None:
    StudyDraft.objects.update(
        text=SMALL.replace("languages: [en, ar] # as spoken here\n", "").split("translations:")[0]
    )
    assert page(browser, study).context["language"] is None
    assert post(browser, study, "add", "sv").context["language"].tag == "sv"
    assert (data_in(draft()) or {})["languages"] == ["en", "sv"]


def test_language_goes_with_its_texts(browser: Client, study: Study) -> None:
    assert post(browser, study, "remove", "ar").context["language"] is None
    after = data_in(draft()) or {}
    assert (after["languages"], after["translations"]) == (["en"], {})
    assert "# a comment that stays" in draft()


@pytest.mark.parametrize(
    ("do", "language", "told"),
    [
        ("add", "ar", "has already been added"),
        ("add", "en", "has already been added"),
        ("add", "klingon!", "by its code, such as sv"),
        ("add", "", "by its code, such as sv"),
        ("remove", "en", "is not among the languages"),
        ("remove", "fi", "is not among the languages"),
        ("burn", "ar", "is not among the languages"),
    ],
)
def test_change_that_cannot_be_is_refused_in_words(
    browser: Client, study: Study, do: str, language: str, told: str
) -> None:
    assert told in post(browser, study, do, language).content.decode()
    assert draft() == SMALL


@pytest.mark.parametrize("text", ["", "a: [", "title: 1", SMALL.replace("planned", "plannd"), SMALL + "- x", "[]"])
def test_draft_that_cannot_be_read_is_said_to_be_so(browser: Client, study: Study, text: str) -> None:
    StudyDraft.objects.update(text=text)
    found = page(browser, study)
    assert (found.status_code, found.context["readable"]) == (200, False)
    assert "cannot be translated yet" in found.content.decode()
    assert post(browser, study, "add", "fi").status_code == 200
