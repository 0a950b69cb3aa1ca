"""What was agreed to can be taken home."""

from __future__ import annotations

import hashlib
import json

import pytest
from django.test import Client

from studies.models import ConsentDocument, ConsentEvent
from studies.participant.leaving.page import withdraw
from studies.protocol.reading.document import parse
from studies.publish import publish
from tests.studies.participant.arriving.test_entry import spoken_in
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import explore, paired

pytestmark = pytest.mark.django_db


def copy_of(visitor: Visitor) -> str:
    response = visitor.client.get(f"/p/{visitor.token}/consent/copy/")
    assert response.headers["Content-Disposition"].startswith("attachment; filename=")
    return str(response.content.decode())


def test_consent_page_says_its_version_and_language() -> None:
    open_new_study(spoken_in("sv"))
    assert "Version 1 of this text, language English" in Visitor().begin("?language=en").page


def test_copy_has_the_text_the_decisions_and_the_fingerprint() -> None:
    open_new_study(explore())
    anna = Visitor().begin().agree("participate", "record")
    page = copy_of(anna)
    assert "<p>We record you.</p>" in page
    assert ConsentDocument.objects.get().sha256 in page
    assert anna.session.participant.code in page
    assert f"http://testserver/p/{anna.token}/withdraw/" in page
    assert page.split("Change my voice.")[1].split("<dt>")[0].count("Not agreed") == 1
    assert "src=" not in page
    assert "<link" not in page


def test_copy_says_what_was_taken_back_and_outlives_the_withdrawal() -> None:
    open_new_study(paired())
    anna = Visitor().begin().agree()
    withdraw(anna.session)
    assert copy_of(anna).count("withdrawn on") == 3


def test_copy_before_there_is_consent_is_not_found() -> None:
    open_new_study(paired())
    anna = Visitor().begin()
    assert Client().get(f"/p/{anna.token}/consent/copy/").status_code == 404


def test_copy_keeps_the_language_and_version_of_the_consent() -> None:
    study = open_new_study(spoken_in("sv"))
    anna = Visitor().begin("?language=sv").agree()
    publish(study, parse(paired(consent={**paired()["consent"], "text": "Other."})))
    anna.post("language/", language="en", next="")
    page = copy_of(anna)
    assert "We record you. (sv)" in page
    assert '<html lang="sv"' in page


def test_the_same_text_is_kept_once_and_each_language_apart() -> None:
    open_new_study(spoken_in("sv"))
    for language in ("en", "sv", "sv"):
        Visitor().begin(f"?language={language}").agree()
    assert sorted(ConsentDocument.objects.values_list("language", flat=True)) == ["en", "sv"]
    assert set(ConsentEvent.objects.values_list("document_sha256", flat=True)) == set(
        ConsentDocument.objects.values_list("sha256", flat=True)
    )


def test_microphone_is_not_asked_for_before_consent() -> None:
    open_new_study(paired())
    anna = Visitor().begin()
    for path in ("check/", "headphones/", "talk/0/"):
        assert anna.get(path).place == "consent/"
    assert anna.client.post(f"/p/{anna.token}/trials/0/takes/").status_code in {403, 404}


@pytest.mark.parametrize("decision", ["agree", "decline"])
def test_text_that_was_shown_counts_when_another_tab_has_changed_the_language(decision: str) -> None:
    open_new_study(spoken_in("sv"))
    anna = Visitor().begin("?language=en")
    shown = anna.response.context["language"]
    anna.client.post(f"/p/{anna.token}/language/", {"language": "sv", "next": ""})
    anna.post("consent/", decision=decision, language=shown, participate="on", record="on", convert="on")
    assert '<input type="hidden" name="language" value="sv">' in Visitor().begin("?language=sv").page
    document = ConsentDocument.objects.get()
    assert (document.language, json.loads(document.body)["text"]) == ("en", "We record you.")
    assert hashlib.sha256(document.body.encode()).hexdigest() == document.sha256
    assert set(anna.session.consents.values_list("language", "document_sha256")) == {("en", document.sha256)}


def test_consent_in_a_language_the_study_lacks_is_in_that_of_the_session() -> None:
    open_new_study(spoken_in("sv"))
    anna = Visitor().begin("?language=sv")
    anna.post("consent/", decision="agree", language="xx", participate="on", record="on", convert="on")
    assert ConsentDocument.objects.get().language == "sv"
