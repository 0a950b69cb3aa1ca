from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from django.core.management import call_command
from django.urls import reverse
from pytest_django import Settings

from studies import erasure_log
from studies.models import AccessLog, Metric, Take, Track, Utterance
from studies.models.take import recordings
from studies.participant.talking.explore import choose
from tests.studies.factories import make_take
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import explore

pytestmark = pytest.mark.django_db


@pytest.fixture
def ida() -> Visitor:
    open_new_study(explore())
    return Visitor().to_talk()


def talked(visitor: Visitor, voice: str = "own") -> Take:
    take = make_take(choose(visitor.session, {"prompt": "weekend", "voice": voice, "engine": "cascade"}))
    visitor.get("explore/")
    return take


def archive(visitor: Visitor, query: str = "") -> zipfile.ZipFile:
    answer = visitor.client.get(f"/p/{visitor.token}/explore/talks.zip{query}")
    assert answer["Cache-Control"] == "max-age=0, no-cache, no-store, must-revalidate, private"
    return zipfile.ZipFile(io.BytesIO(answer.content))


def test_archive_holds_what_was_recorded_of_every_talk(ida: Visitor) -> None:
    first, second = talked(ida), talked(ida, "higher")
    Take.objects.filter(pk=second.pk).update(asked_from=first)
    files = archive(ida)
    kinds = ("participant", "heard", "agent")
    assert files.namelist() == [
        *(f"01 own/{kind}.flac" for kind in kinds),
        "01 own/talk.json",
        *(f"02 higher/{kind}.flac" for kind in kinds),
        "02 higher/talk.json",
    ]
    with first.tracks.get(kind="heard").file.open("rb") as stored:
        assert files.read("01 own/heard.flac") == stored.read()
    told = json.loads(files.read("02 higher/talk.json"))
    assert (told["asked_from"], told["voice"], [words["text"] for words in told["words"]]) == (
        str(first.pk),
        "higher",
        ["hello", "hi there"],
    )


def test_archive_leaves_out_what_is_no_longer_what_was_filed(ida: Visitor) -> None:
    take = talked(ida)
    Path(take.tracks.get(kind="heard").file.path).write_bytes(b"fLaC")
    files = archive(ida)
    assert files.namelist() == ["01 own/participant.flac", "01 own/heard.txt", "01 own/agent.flac", "01 own/talk.json"]
    assert files.read("01 own/heard.txt").decode() == "This recording is damaged or gone, so it is not included."


def test_every_recording_in_the_archive_is_in_the_access_log(ida: Visitor) -> None:
    take = talked(ida)
    archive(ida, f"?take={take.pk}")
    entries = AccessLog.objects.filter(action="download").order_by("id").values_list("reader", "target")
    assert [*entries] == [("participant", f"{take.pk} {kind}") for kind in ("participant", "heard", "agent")]


def test_archive_without_talks_or_of_others_is_not_there(ida: Visitor) -> None:
    eve = Visitor().to_talk()
    foreign = talked(eve)
    for query in ("", f"?take={foreign.pk}"):
        assert ida.client.get(f"/p/{ida.token}/explore/talks.zip{query}").status_code == 404
    assert not AccessLog.objects.exists()


def test_one_talk_is_erased_and_the_others_stay(ida: Visitor, settings: Settings, tmp_path: Path) -> None:
    settings.ERASURE_LOG = tmp_path / "erasures.jsonl"
    first, second = talked(ida), talked(ida)
    ida.post("explore/erase/", take=str(first.pk))
    assert ida.place == "explore/"
    first.refresh_from_db()
    assert (first.state, first.erased_because) == ("final", "on_request")
    for model in (Track, Utterance, Metric):
        assert {row.take_id for row in model._default_manager.all()} == {second.pk}
    assert not recordings().exists(f"{first.pk}/heard.flac")
    assert [talk.take for talk in ida.response.context["talks"]] == [second]


def test_all_talks_are_erased_and_the_visit_goes_on(ida: Visitor) -> None:
    talked(ida)
    talked(ida)
    ida.post("explore/erase/", take="all")
    assert (ida.place, Track.objects.count(), ida.response.context["talks"]) == ("explore/", 0, [])
    assert ida.session.state == "started"


def test_talk_of_somebody_else_is_neither_shown_nor_erased(ida: Visitor) -> None:
    eve = Visitor().to_talk()
    foreign = talked(eve)
    ida.post("explore/erase/", take=str(foreign.pk))
    foreign.refresh_from_db()
    assert (foreign.erased_because, foreign.tracks.count()) == ("", 3)
    assert ida.client.get(reverse("own_talk", args=[ida.token, foreign.pk])).status_code == 404
    assert ida.client.get(reverse("own_talk", args=[eve.token, foreign.pk])).status_code == 200


@pytest.mark.parametrize("take", ["", "x", "00000000-0000-4000-8000-000000000000"])
def test_talk_that_is_none_is_not_erased(ida: Visitor, take: str) -> None:
    kept = talked(ida)
    ida.post("explore/erase/", take=take)
    kept.refresh_from_db()
    assert (kept.erased_because, kept.tracks.count()) == ("", 3)


@pytest.mark.django_db(transaction=True)
def test_erased_talk_is_erased_again_after_a_backup_was_restored(settings: Settings, tmp_path: Path) -> None:
    settings.ERASURE_LOG = tmp_path / "erasures.jsonl"
    open_new_study(explore())
    ida = Visitor().to_talk()
    take = talked(ida)
    ida.post("explore/erase/", take=str(take.pk))
    assert [(entry["what"], entry["take"]) for entry in erasure_log.entries(settings.ERASURE_LOG)] == [
        ("take", str(take.pk))
    ]
    Take.objects.filter(pk=take.pk).update(erased_because="")
    call_command("reapply_erasures")
    take.refresh_from_db()
    assert take.erased_because == "on_request"
