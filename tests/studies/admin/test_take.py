"""The page of one take."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse

from studies.admin.take import Event, measures_of, read_events
from studies.models import EngineSnapshot, Take, VoiceSnapshot
from tests.studies import factories


@pytest.fixture
def take(db: None) -> Take:
    return factories.make_take(factories.make_session(factories.make_study()).trials.all()[0])


@pytest.fixture
def page(take: Take, client: Client) -> str:
    client.force_login(factories.make_researcher())
    return client.get(reverse("admin:studies_take_change", args=[take.pk])).content.decode()


def test_page_offers_every_track_through_the_logged_address(take: Take, page: str) -> None:
    addresses = [reverse("researcher_track", args=[take.pk, kind]) for kind in ("participant", "heard", "agent")]
    assert [address in page for address in addresses] == [True, True, True]


def test_page_shows_raw_words_beside_what_was_passed_on(page: str) -> None:
    assert ("hi there (ha)" in page, "As generated" in page) == (True, True)


def test_page_marks_discarded_turns(page: str) -> None:
    assert page.count("turn--discarded") == 1


def test_page_tells_why_a_value_is_missing(page: str) -> None:
    assert "none: too few words" in page


def test_page_tells_why_nothing_of_the_participant_is_written_down(take: Take, client: Client) -> None:
    take.utterances.filter(role="participant").delete()
    client.force_login(factories.make_researcher())
    page = client.get(reverse("admin:studies_take_change", args=[take.pk])).content.decode()
    assert "The engine gave no transcript of what the participant said." in page


def test_page_tells_what_the_engine_was(take: Take, client: Client) -> None:
    info = {"third_party": True, "test_only": True}
    take.engine_snapshot = EngineSnapshot.objects.create(sha256="1" * 64, name="far", info=info)
    take.save()
    client.force_login(factories.make_researcher())
    page = client.get(reverse("admin:studies_take_change", args=[take.pk])).content.decode()
    said = ["The voice was sent to a third party, which runs far", "Random weights, for tests"]
    assert [text in page for text in said] == [True, True]


def test_page_tells_that_a_converter_was_somebody_elses(take: Take, client: Client) -> None:
    info = {"name": "remote_vc", "third_party": True}
    take.voice_snapshots.add(VoiceSnapshot.objects.create(sha256="2" * 64, name="remote_vc", info=info))
    client.force_login(factories.make_researcher())
    page = client.get(reverse("admin:studies_take_change", args=[take.pk])).content.decode()
    assert "The voice was sent to a third party, which runs remote_vc" in page


def test_measures_stand_side_by_side_for_the_tracks(take: Take) -> None:
    take.metrics.all().delete()
    factories.add_metrics(take, [("participant", "level", -20.0, "dB"), ("agent", "level", -25.0, "dB")])
    [measure] = measures_of(take)
    assert (measure.name, measure.unit, measure.method) == ("level", "dB", "tests (version 1)")
    assert [metric and metric.value for metric in measure.of_tracks] == [-20.0, None, -25.0]


def test_playback_reports_are_left_out_and_counted(take: Take) -> None:
    factories.add_events(take, [{"type": "live", "at_ms": 5.0}, {"type": "playback", "at_ms": 80.0, "step": 1}])
    few, all_ = read_events(take, routine=False), read_events(take, routine=True)
    assert (few.events, few.left_out) == ([Event("live", 5.0, "")], 1)
    assert (all_.events, all_.left_out) == ([Event("live", 5.0, ""), Event("playback", 80.0, "step 1")], 0)


def test_damaged_line_is_shown_not_dropped(take: Take) -> None:
    take.events.save("damaged.jsonl", ContentFile(b'{"type": "live"}\n{"eve\n[1]\n'), save=True)
    assert read_events(take, routine=False).events == [
        Event("live", None, ""),
        Event("unreadable line", None, '{"eve'),
        Event("unreadable line", None, "[1]"),
    ]


def test_missing_events_file_is_told(take: Take) -> None:
    take.events.storage.delete(str(take.events.name))
    listed = read_events(take, routine=False)
    assert (list(listed.events), listed.problem) == ([], "The events file cannot be read: No such file or directory.")


def test_take_without_recordings_opens(db: None, client: Client) -> None:
    trial = factories.make_session(factories.make_study()).trials.all()[0]
    client.force_login(factories.make_researcher())
    for state in Take.State.values:
        take = factories.make_take(trial, state=state, tracks=False)
        assert client.get(reverse("admin:studies_take_change", args=[take.pk])).status_code == 200


@pytest.mark.parametrize(("before", "after"), [("failed", "ended"), ("final", "final"), ("live", "live")])
def test_only_failed_takes_are_filed_again(before: str, after: str, take: Take, client: Client) -> None:
    client.force_login(factories.make_researcher())
    Take.objects.update(state=before, counts={"filing_attempts": 5, "frames": 7}, filing_error="Filing failed 5 times.")
    fields = {"action": "file_again", "_selected_action": str(take.pk)}
    client.post(reverse("admin:studies_take_changelist"), fields)
    take.refresh_from_db()
    assert take.state == after
    assert take.counts == ({"frames": 7} if after != before else {"filing_attempts": 5, "frames": 7})


def test_takes_are_not_filed_again_without_permission(take: Take, client: Client) -> None:
    Take.objects.update(state=Take.State.FAILED)
    max_ = factories.make_researcher("max", permitted=False)
    max_.user_permissions.set(Permission.objects.filter(codename="view_take"))
    client.force_login(max_)
    client.post(reverse("admin:studies_take_changelist"), {"action": "file_again", "_selected_action": str(take.pk)})
    take.refresh_from_db()
    assert take.state == Take.State.FAILED
