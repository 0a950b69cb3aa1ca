"""Published as it was shown, compared, exported with the same hash, opened and shared."""

from __future__ import annotations

from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from studies.models import Session, Study, StudyDraft
from studies.protocol.reading.document import parse, parse_yaml, sha256_of
from studies.publish import publication_problems, publish
from tests.studies import factories
from tests.studies.protocol.documents import asking

from .conftest import PAIRED, lasting


def address(name: str, study: Study, *more: object) -> str:
    return reverse(name, args=[study.slug, *more])


def page_of(browser: Client, url: str, **query: str) -> str:
    return browser.get(url, query).content.decode()


def test_draft_is_published_as_it_was_shown(browser: Client, study: Study) -> None:
    assert "Publish for the first time" in page_of(browser, address("design_publish", study))
    answer = browser.post(address("design_publish", study), {"revision": "1"})
    assert (answer.status_code, answer["Location"]) == (302, address("design_share", study))
    version = study.current_version
    assert version is not None
    assert (version.number, version.sha256) == (1, sha256_of(parse_yaml(PAIRED)))
    assert "The draft is identical to version 1." in page_of(browser, address("design_publish", study))


def test_draft_that_changed_meanwhile_is_not_published(browser: Client, study: Study) -> None:
    StudyDraft.objects.update(text=lasting(11), revision=2)
    answer = browser.post(address("design_publish", study), {"revision": "1"})
    assert answer.status_code == 409
    assert "changed after you opened this page" in answer.content.decode()
    assert study.current_version is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("title: [", "is not valid YAML"),
        (PAIRED.replace("engine: cascade", "engine: cascad", 1), "did you mean cascade?"),
        (PAIRED.replace("engine: cascade", "engine: echo", 1), "is for tests and set-up"),
    ],
)
def test_what_keeps_it_from_being_published_is_said(browser: Client, study: Study, text: str, told: str) -> None:
    StudyDraft.objects.update(text=text)
    assert told in page_of(browser, address("design_publish", study))
    answer = browser.post(address("design_publish", study), {"revision": "1"})
    assert answer.status_code == 409
    assert told in answer.content.decode()
    assert not study.versions.exists()


def test_title_of_the_study_follows_what_is_published(browser: Client, study: Study) -> None:
    StudyDraft.objects.update(text=PAIRED.replace("title: Paired prompts", "title: Two voices", 1))
    browser.post(address("design_publish", study), {"revision": "1"})
    study.refresh_from_db()
    assert study.title == "Two voices"


def two_versions(study: Study) -> None:
    for minutes in (10, 12):
        publish(study, parse_yaml(lasting(minutes)))


def test_versions_are_listed_with_their_sessions_and_compared(browser: Client, study: Study) -> None:
    two_versions(study)
    newest = study.current_version
    assert newest is not None
    factories.make_session(newest, "P-001")
    Session.objects.filter(pk=factories.make_session(newest, "P-002").pk).update(mode=Session.Mode.PILOT)
    pairs = browser.get(address("design_versions", study)).context["pairs"]
    assert [(version.number, version.live_count, version.trial_run_count) for version, _ in pairs] == [
        (2, 1, 1),
        (1, 0, 0),
    ]
    found = browser.get(address("design_compare", study, 2)).context["changes"]
    assert [(part.path, part.old, part.new) for part in found.parts] == [("duration_min", "10", "12")]
    assert [line.text for line in found.lines if line.kind in ("added", "removed")] == [
        "duration_min: 10",
        "duration_min: 12",
    ]
    assert page_of(browser, address("design_compare", study, 1), since="2").count("duration_min") >= 2
    for since in ("7", "x", "٣", "9" * 30):
        assert browser.get(address("design_compare", study, 1), {"since": since}).status_code == 200


def test_exported_version_has_the_identical_hash_when_it_is_imported(browser: Client, study: Study) -> None:
    two_versions(study)
    answer = browser.get(address("design_export", study, 1))
    version = study.versions.get(number=1)
    assert answer["Content-Disposition"] == 'attachment; filename="paired-v1.yaml"'
    assert sha256_of(parse_yaml(answer.content.decode())) == version.sha256
    assert browser.get(address("design_export", study, 3)).status_code == 404


def test_study_opens_with_ethics_and_retention_and_closes_again(browser: Client, study: Study) -> None:
    move = address("design_move", study)
    until = (timezone.localdate() + timedelta(days=parse_yaml(PAIRED).retention.days)).isoformat()
    assert browser.post(move, {"to": "open", "ethics_reference": "E-1", "retention_until": until}).status_code == 422
    publish(study, parse_yaml(PAIRED))
    assert f'value="{until}"' in page_of(browser, address("design_share", study))
    yesterday = (timezone.localdate() - timedelta(days=1)).isoformat()
    for ethics, day in (
        ("", until),
        (" ", until),
        ("E-1", ""),
        ("E-1", "soon"),
        ("E-1", "2027-02-31"),
        ("E-1", yesterday),
    ):
        answer = browser.post(move, {"to": "open", "ethics_reference": ethics, "retention_until": day})
        assert answer.status_code == 422
    assert browser.post(move, {"to": "open", "ethics_reference": "E-1", "retention_until": until}).status_code == 302
    study.refresh_from_db()
    assert (study.state, study.ethics_reference, study.retention_until and study.retention_until.isoformat()) == (
        "open",
        "E-1",
        until,
    )
    for step, state in (
        ("pause", "paused"),
        ("close", "closed"),
        ("pause", "closed"),
        ("burn", "closed"),
        ("", "closed"),
    ):
        assert browser.post(move, {"to": step}).status_code == 302
        study.refresh_from_db()
        assert study.state == state


@pytest.mark.parametrize(
    ("recruiter", "query"),
    [
        ("", ""),
        ("service: generic, parameter: who", "?who="),
        (
            "service: prolific, codes: {completed: ABC1}",
            "?PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}",
        ),
        ("service: sona, return_url: 'https://example.org/{person}'", "?survey_code=%SURVEY_CODE%"),
        ("service: mturk", ""),
    ],
)
def test_links_are_those_that_begin_a_visit(browser: Client, study: Study, recruiter: str, query: str) -> None:
    publish(study, parse_yaml(f"{PAIRED}\nrecruiter: {{{recruiter}}}\n"))
    page = browser.get(address("design_share", study))
    first, pilot = page.context["links"]
    assert (first.url, pilot.name) == (f"http://testserver/s/paired/{query}", "Pilot")
    assert (page.context["qr"] != "") == (recruiter == "")  # a printed code can name nobody


def test_question_of_a_task_on_mechanical_turk_has_the_bare_link(browser: Client, study: Study) -> None:
    publish(study, parse_yaml(f"{PAIRED}\nrecruiter: {{service: mturk}}\n"))
    page = browser.get(address("design_share", study))
    schema = "http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2006-07-14/ExternalQuestion.xsd"
    question = ElementTree.fromstring(page.context["question"])
    assert [(part.tag, part.text) for part in question] == [
        (f"{{{schema}}}ExternalURL", "http://testserver/s/paired/"),
        (f"{{{schema}}}FrameHeight", "0"),
    ]
    assert "https://worker.mturk.com" in page.content.decode()


def test_code_of_the_link_can_be_downloaded(browser: Client, study: Study) -> None:
    code = browser.get(address("design_qr", study))
    assert code["Content-Type"] == "image/svg+xml"
    assert code.content.startswith(b"<svg")


def test_open_study_that_nobody_answers_says_so_beside_its_links(browser: Client, study: Study) -> None:
    publish(study, parse_yaml(PAIRED))
    Study.objects.update(state="open", ethics_reference="E-1", retention_until=timezone.localdate())
    assert "no inference worker reports" in page_of(browser, address("design_share", study))


def test_writing_takes_a_post_of_the_page_itself(study: Study, anna: User, client: Client) -> None:
    client.force_login(anna)
    writes = ["design_validate", "design_save", "design_rewrite", "design_move"]
    for name in writes:
        assert client.get(address(name, study)).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(anna)
    for name in [*writes, "design_publish", "design_preview", "design_translate"]:
        assert strict.post(address(name, study)).status_code == 403


def test_item_that_makes_the_column_of_one_in_an_earlier_version_is_not_published(study: Study) -> None:
    scale = {"type": "likert", "key": "calm", "text": "Calm?", "low": "No", "high": "Yes", "reverse": True}
    other = {"type": "short_text", "key": "calm_score", "text": "How calm?"}
    documents = [asking(scale), asking(other)]
    publish(study, parse(documents[0]))
    (found,) = publication_problems(parse(documents[1]), study)
    assert found.message == (
        "'calm_score' makes the column answer_calm_score of sessions.csv, as does 'calm' of version 1; "
        "choose another key"
    )
    assert publication_problems(parse(documents[0]), study) == []
