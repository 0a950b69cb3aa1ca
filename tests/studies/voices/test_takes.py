"""Talks in a target voice: what the inference worker is asked, when they are refused, how the recording is marked."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
import soundfile
from django.test import Client
from django.urls import reverse

from studies.errors import TakeRefused
from studies.exports.rows import blocks_of, trials_of
from studies.exports.trial_columns import columns_of
from studies.models import Session, Take, TargetVoice, Track, Trial
from studies.talk import takes
from studies.talk.filing.filing import conversion_of, file_take
from studies.talk.requests import slot_request
from studies.voices import library
from tests.studies.factories import make_session, make_worker
from tests.studies.talk.filing.test_filing import VOICE, talk, write_journal
from tests.studies.voices.library import BECOME, become, expire, make_targeted_study, make_voice, reference

__all__ = ["become"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("become")]


@pytest.fixture
def session(transactional_db: None) -> Session:
    make_voice()
    return make_session(make_targeted_study())


@pytest.fixture
def trial(session: Session) -> Trial:
    return session.trials.get(condition__key="lower")


def test_worker_is_asked_for_the_very_recording(trial: Trial, session: Session) -> None:
    request = slot_request(takes.start_take(trial))
    assert [(voice.converter, voice.target) for voice in request.voices] == [(BECOME, reference().sha256)]
    own = slot_request(takes.start_take(session.trials.get(condition__key="own")))
    assert [voice.target for voice in own.voices] == [""]


def test_talk_in_a_withdrawn_voice_is_refused_without_naming_it(trial: Trial) -> None:
    make_worker(engines={"cascade": {}}, converters=["none", BECOME])
    library.withdraw_voice(TargetVoice.objects.get(), by="vera")
    response = Client().post(reverse("create_take", args=[trial.session.token, trial.position]))
    assert (response.status_code, response.json()["code"]) == (409, "voice_unavailable")
    assert "Anna" not in response.content.decode()
    assert not Take.objects.exists()


def test_talk_that_was_prepared_before_the_consent_ended_does_not_begin(
    trial: Trial, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = takes.start_take(trial)
    ticket = takes.issue_ticket(take)
    expire(TargetVoice.objects.get().versions.get(), monkeypatch)
    with pytest.raises(TakeRefused) as caught:
        takes.redeem_ticket(take.pk, ticket)
    assert caught.value.code == "voice_unavailable"
    take.refresh_from_db()
    assert take.counts["refused"] == {"voice_unavailable": 1}


def test_talk_in_ones_own_voice_goes_on(session: Session) -> None:
    library.withdraw_voice(TargetVoice.objects.get(), by="vera")
    assert takes.start_take(session.trials.get(condition__key="own")).state == Take.State.PLANNED


def filed(trial: Trial) -> Take:
    take = takes.start_take(trial)
    write_journal(take, talk())
    takes.end_take(take.pk, Take.Outcome.COMPLETED, "participant")
    file_take(take.pk)
    return Take.objects.get(pk=take.pk)


def comment_of(track: Track) -> str:
    with track.file.open("rb") as file, soundfile.SoundFile(io.BytesIO(file.read())) as flac:
        return str(flac.comment)


def test_heard_track_says_how_it_was_converted(trial: Trial) -> None:
    take = filed(trial)
    heard = take.tracks.get(kind="heard")
    target = {"key": "anna", "name": "Anna", "version": 1, "sha256": reference().sha256}
    [segment] = heard.conversion
    assert (segment["converter"], segment["target"], segment["as_it_ran"]) == (BECOME, target, VOICE)
    marked = json.loads(comment_of(heard).partition(": ")[2])
    assert marked == {"converted_voice": True, "segments": heard.conversion}


@pytest.mark.parametrize("kind", ["participant", "agent"])
def test_other_tracks_are_not_marked(kind: str, trial: Trial) -> None:
    track = filed(trial).tracks.get(kind=kind)
    assert (track.conversion, comment_of(track)) == ([], "")


def test_own_voice_is_not_marked(session: Session) -> None:
    heard = filed(session.trials.get(condition__key="own")).tracks.get(kind="heard")
    assert (heard.conversion, comment_of(heard)) == ([], "")


def test_segment_that_never_ran_says_so(trial: Trial) -> None:
    assert [segment["as_it_ran"] for segment in conversion_of(trial, [])] == [None]


def test_segment_that_fell_back_says_where_and_why(trial: Trial) -> None:
    switch = {"type": "switch", "converter": "resynthesis", "actual_sample": 48_000, "fallback": True, "reason": "gone"}
    planned = {"type": "switch", "converter": BECOME, "actual_sample": 0}
    [segment] = conversion_of(trial, [VOICE], [planned, switch])
    assert segment["fell_back"] == {"sample": 48_000, "to": "resynthesis", "reason": "gone"}


def test_export_names_voice_version_and_hash(trial: Trial) -> None:
    study = trial.session.study
    values: dict[str, list[Any]] = {
        column.name: [column.value(row) for block in blocks_of(trials_of(study)) for row in block]
        for column in columns_of(study)
        if column.name.startswith("target_voice")
    }
    assert values == {
        "target_voice": [None, "Anna"],
        "target_voice_version": [None, "1"],
        "target_voice_sha256": [None, reference().sha256],
    }
