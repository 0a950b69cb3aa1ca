"""Every page of a draft can be looked at; nothing of it counts, and it goes when the draft changes."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from studies.models import AllocationSlot, Participant, ProtocolVersion, Session, Study, StudyDraft
from studies.protocol.reading.document import parse_yaml
from studies.publish import publish
from studies.researcher.design.starting import templates

from .conftest import PAIRED, lasting


def preview(study: Study) -> str:
    return reverse("design_preview", args=[study.slug])


def begin(browser: Client, study: Study, **chosen: str) -> Session:
    assert browser.post(preview(study), chosen).status_code == 302
    return Session.objects.select_related("version").latest("created_at")


def test_nothing_begins_before_it_is_asked_for(browser: Client, study: Study) -> None:
    assert browser.get(preview(study)).context["visit"] is None
    assert not Session.objects.exists()
    assert not ProtocolVersion.objects.exists()


@pytest.mark.parametrize("template", templates(), ids=lambda template: template.name)
def test_every_page_of_every_template_opens_in_a_frame_of_ours(browser: Client, study: Study, template: object) -> None:
    StudyDraft.objects.update(text=template.text)  # type: ignore[attr-defined]
    begin(browser, study)
    page = browser.get(preview(study))
    assert "frame-src 'self'" in page["Content-Security-Policy"]
    addresses = [page.context["welcome"], *(entry.address for entry in page.context["entries"])]
    assert len(addresses) > 5
    for address in addresses:
        shown = browser.get(address, follow=True)
        assert (shown.status_code, shown["X-Frame-Options"]) == (200, "SAMEORIGIN"), address
        assert "frame-ancestors 'self'" in shown["Content-Security-Policy"]


def test_preview_is_of_the_draft_and_counts_for_nothing(browser: Client, study: Study) -> None:
    version = publish(study, parse_yaml(PAIRED))
    StudyDraft.objects.update(text=lasting(11))
    session = begin(browser, study)
    assert (session.mode, session.version.number, session.version.published_at) == ("preview", 0, None)
    assert session.version.document["duration_min"] == 11
    assert study.current_version == version
    assert not AllocationSlot.objects.filter(version=version).exists()
    listed = browser.get(reverse("design_versions", args=[study.slug])).context["pairs"]
    assert [listed_version.number for listed_version, _ in listed] == [1]


def test_language_and_arm_can_be_chosen(browser: Client, study: Study) -> None:
    session = begin(browser, study, language="sv", arm="3")
    assert (session.language, session.arm, session.trials.count()) == ("sv", 3, 4)
    assert browser.get(reverse("consent", args=[session.token]))["Content-Language"] == "sv"
    for nonsense in ("4", "-1", "x", "9" * 30, "²"):
        assert begin(browser, study, language="xx", arm=nonsense).trials.count() == 0


def test_there_is_one_scratch_version_and_old_previews_go(browser: Client, study: Study) -> None:
    first = begin(browser, study)
    again = begin(browser, study)
    assert first.version == again.version
    StudyDraft.objects.update(text=lasting(11))
    assert browser.get(preview(study)).context["visit"] is None
    third = begin(browser, study, arm="0")
    assert list(Session.objects.all()) == [third]
    assert list(ProtocolVersion.objects.all()) == [third.version]
    assert Participant.objects.count() == 1


def test_draft_with_problems_says_them_instead(browser: Client, study: Study) -> None:
    StudyDraft.objects.update(text=PAIRED.replace("kind: planned", "kind: plannd"))
    page = browser.get(preview(study))
    assert "did you mean planned?" in page.content.decode()
    assert browser.post(preview(study)).status_code == 200
    assert not Session.objects.exists()


def test_pages_of_participants_are_framed_by_nobody(browser: Client, study: Study) -> None:
    session = begin(browser, study)
    Session.objects.filter(pk=session.pk).update(mode=Session.Mode.PILOT)
    page = browser.get(reverse("consent", args=[session.token]))
    assert page["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
