"""Whatever the editor keeps, every page that shows it opens."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from studies.errors import DraftRefused
from studies.models import Study, StudyDraft
from studies.researcher.design.writing import drafts
from studies.researcher.design.writing.checking import report_on
from studies.researcher.design.writing.edits import apply, parse_edits
from tests.extent import examples

from .conftest import PAIRED

ODD = [
    f"title: 0x{'f' * 3_600}",
    f"title: 0o{'7' * 5_000}",
    f"title: {'9' * 4_400}",
    'title: "a\\0b"',
    'title: "\\uD800"',
    "title: .nan",
    "title: 1e999",
    "1: a\n1.0: b\n~: c\ntrue: d\n.nan: e",
    f"0x{'f' * 3_600}: a",
    "? 'a\nb'\n: c",
    "a" * 5_000 + ": 1",
    "title: &a x\nprompts: *a",
    "prompts: [[[[]]]]\nconditions: {a: {b: {c: d}}}",
    "version: 1\nratings: {}\ncomparison: 7\ncompletion: []",
    "languages: [0x10, ~]\ntranslations: {sv: []}",
    "questionnaires: [{items: [{type: number}]}, 3, ~]",
    f"{'[' * 400}{']' * 400}",
]
LINES = st.sampled_from(
    [*ODD, *PAIRED.splitlines(), "- a", "  - {key: 1}", "[", "}", "---", "# note", "a: |", "? b", "!!int x", "\u2028"]
)
MOST = settings(
    max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, *HealthCheck]
)


def pages(browser: Client, study: Study) -> dict[str, int]:
    """The status of every page that reads the draft."""
    names = ("design", "design_translate", "design_draft", "design_preview", "design_balance", "design_publish")
    return {name: browser.get(reverse(name, args=[study.slug])).status_code for name in names}


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_odd_draft_is_kept_and_opened_again(browser: Client, study: Study, text: str) -> None:
    sent = json.dumps({"text": text, "revision": 1})
    answer = browser.post(reverse("design_save", args=[study.slug]), sent, content_type="application/json")
    assert (answer.status_code, StudyDraft.objects.get().text) == (200, text)
    assert set(pages(browser, study).values()) == {200}


@MOST
@given(st.lists(LINES, max_size=12).map("\n".join) | st.text(max_size=60))
def test_whatever_is_kept_can_be_told_as_json(study: Study, anna: User, text: str) -> None:
    draft = StudyDraft.objects.get()
    try:
        assert drafts.save(draft, text, draft.revision, anna)
    except DraftRefused:
        return
    json.dumps({**drafts.as_json(draft), "report": report_on(text, study).as_json()}).encode()


@MOST
@given(
    value=st.recursive(
        st.none() | st.booleans() | st.integers(-(10**90), 10**90) | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
        max_leaves=6,
    )
)
def test_what_the_form_writes_can_be_read_or_is_refused(study: Study, value: Any) -> None:
    try:
        text = apply(PAIRED, parse_edits([{"do": "put", "path": ["title"], "value": value}]))
        drafts.check_text(text)
    except DraftRefused:
        return
    report = report_on(text, study).as_json()
    assert report["document"] is not None
    json.dumps(report).encode()
