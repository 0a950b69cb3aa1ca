"""From journal to tracks: bit for bit, on one axis, again after any interruption, never without consent."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Sequence
from queue import Empty
from typing import Any

import numpy as np
import pytest
import soundfile
from celery import current_app

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, UPLINK_SAMPLES
from inference.contract.wire import Kind, Playback, encode, encode_audio
from studies.models import Metric, Session, Take, Track, Trial
from studies.models.take import recordings
from studies.talk import takes
from studies.talk.filing import filing, measuring
from studies.talk.filing.erasure import erase_recordings
from studies.talk.filing.filing import MAX_ATTEMPTS, canonical_sha256, file_take
from studies.talk.filing.measuring import measure_and_store
from studies.talk.journal.file import journal_path, lock
from studies.talk.journal.records import HEADER_BYTES, MAGIC, pack, pack_event
from tests.studies.talk.pages import microphone_frame

SNAPSHOT = {"name": "echo", "weights": {"sha256": "ab"}}
VOICE = {"name": "transform", "version": "1"}
LATENCY = 480


def step_pcm(step: int) -> bytes:
    return b"".join(microphone_frame(sequence) for sequence in range(4 * step, 4 * step + 4))


def later(step: int) -> bytes:
    """What comes out of a converter of LATENCY samples with a step."""
    before = step_pcm(step - 1) if step else bytes(2 * FRAME_SAMPLES)
    return (before + step_pcm(step))[2 * (FRAME_SAMPLES - LATENCY) :][: 2 * FRAME_SAMPLES]


def talk(steps: Sequence[int] = range(3), frames: Sequence[int] = range(12)) -> list[bytes]:
    """The messages of a small take."""
    live = {"engine": "echo", "snapshot": SNAPSHOT, "voices": [VOICE], "latency_samples": LATENCY, "resumed": False}
    return [
        pack_event("connect", {"resumed": False, "next_sequence": 0}),
        pack_event("live", live),
        pack_event("device", {"settings": {"sampleRate": 48_000}}),
        *(encode_audio(Kind.PARTICIPANT, n, n * UPLINK_SAMPLES, microphone_frame(n)) for n in frames),
        *(encode_audio(Kind.HEARD, n, n * FRAME_SAMPLES, later(n)) for n in steps),
        *(encode_audio(Kind.AGENT, n, n * FRAME_SAMPLES, step_pcm(n)) for n in steps),
        encode(Playback(1, 0, 2_400, 100, 2)),
        pack_event("words", {"text": "hi", "start_ms": 80, "end_ms": 120, "turn": 1}),
        pack_event("transcript", {"role": "agent", "text": "hi", "raw_text": "hi", "turn": 1}),
        pack_event("closed", {"reason": "participant", "outcome": "completed", "duplicates": 3, "early": 1}),
    ]


def write_journal(take: Take, messages: Sequence[bytes]) -> bytes:
    data = MAGIC + b"".join(pack(message, 1_000_000 + 20_000 * n) for n, message in enumerate(messages))
    journal_path(take.pk).write_bytes(data)
    return data


@pytest.fixture
def ended(take: Take) -> Take:
    """A take that has ended, with a small journal."""
    write_journal(take, talk())
    takes.end_take(take.pk, Take.Outcome.COMPLETED, "participant")
    take.refresh_from_db()
    return take


def samples(take: Take, kind: str) -> np.ndarray[Any, Any]:
    with take.tracks.get(kind=kind).file.open("rb") as file:
        decoded, rate_hz = soundfile.read(io.BytesIO(file.read()), dtype="int16")
    assert rate_hz == SAMPLE_RATE_HZ
    return decoded  # type: ignore[no-any-return]


def pcm_of(*steps: int) -> np.ndarray[Any, Any]:
    return np.frombuffer(b"".join(step_pcm(step) for step in steps), "<i2")


def test_tracks_are_exact_and_as_long_as_each_other(ended: Take) -> None:
    assert file_take(ended.pk)
    np.testing.assert_array_equal(samples(ended, "participant"), pcm_of(0, 1, 2))
    np.testing.assert_array_equal(samples(ended, "agent"), pcm_of(0, 1, 2))
    heard = pcm_of(0, 1, 2).copy()
    heard[-LATENCY:] = 0  # had not left the converter when the talk ended
    np.testing.assert_array_equal(samples(ended, "heard"), heard)
    tracks = {track.kind: track for track in ended.tracks.all()}
    assert {track.duration_samples for track in tracks.values()} == {3 * FRAME_SAMPLES}
    assert tracks["heard"].gaps == [[3 * FRAME_SAMPLES - LATENCY, LATENCY]]
    assert {kind: (track.lost_samples, track.delay_samples) for kind, track in tracks.items()} == {
        "participant": (0, 0),
        "heard": (LATENCY, LATENCY),
        "agent": (0, 0),
    }


def test_what_is_stored_beside_the_tracks(ended: Take) -> None:
    file_take(ended.pk)
    ended.refresh_from_db()
    assert (ended.state, ended.filing_error, ended.device) == ("final", "", {"sampleRate": 48_000})
    assert ended.counts == {
        "frames": 12,
        "lost_samples": 0,
        "reconnects": 0,
        "engine_reconnects": 0,
        "engine_moves": 0,
        "underruns": 2,
        "slips": 0,
        "stalls": 0,
        "missing_frames": 0,
        "browser_lost_frames": 0,
        "overflow_frames": 0,
        "skipped_frames": 0,
        "duplicates": 3,
        "early": 1,
        "damaged_bytes": 0,
        "voice_delay_samples": 480,
        "playback_delay_samples": 2_400,
    }
    assert ended.engine_snapshot is not None
    assert (ended.engine_snapshot.info, ended.engine_snapshot.sha256) == (SNAPSHOT, canonical_sha256(SNAPSHOT))
    assert [voice.info for voice in ended.voice_snapshots.all()] == [VOICE]
    [said] = ended.utterances.all()
    assert (said.role, said.text, said.start_ms, said.end_ms) == ("agent", "hi", 80, 120)
    events = [json.loads(line) for line in ended.events.open("rb").read().decode().splitlines()]
    assert [event["type"] for event in events] == [
        "connect",
        "live",
        "device",
        "playback",
        "words",
        "transcript",
        "closed",
    ]
    assert (events[0]["at_ms"], events[1]["at_ms"]) == (0, 20)
    assert not journal_path(ended.pk).exists()
    for track in ended.tracks.all():
        assert hashlib.sha256(track.file.open("rb").read()).hexdigest() == track.sha256


def test_lost_frames_become_marked_silence(take: Take) -> None:
    write_journal(take, talk(steps=[0, 2], frames=[0, 1, 2, 3, 8, 9, 10, 11]))
    takes.end_take(take.pk, Take.Outcome.COMPLETED, "participant")
    file_take(take.pk)
    for kind in ("participant", "agent"):
        track = take.tracks.get(kind=kind)
        assert (track.gaps, track.lost_samples) == ([[FRAME_SAMPLES, FRAME_SAMPLES]], FRAME_SAMPLES)
        expected = pcm_of(0, 1, 2).copy()
        expected[FRAME_SAMPLES : 2 * FRAME_SAMPLES] = 0
        np.testing.assert_array_equal(samples(take, kind), expected)


def test_jump_of_the_capture_clock_is_at_one_place_in_all_that_was_captured(take: Take) -> None:
    messages = talk()
    jump = 700  # samples between frames 5 and 6, in the middle of a step
    places = [n * UPLINK_SAMPLES + (jump if n > 5 else 0) for n in range(12)]
    frames = [encode_audio(Kind.PARTICIPANT, n, place, microphone_frame(n)) for n, place in enumerate(places)]
    heard = [encode_audio(Kind.HEARD, n, places[4 * n], later(n)) for n in range(3)]
    write_journal(take, [*messages[:3], *frames, *heard, *messages[-1:]])
    takes.end_take(take.pk, Take.Outcome.COMPLETED, "participant")
    file_take(take.pk)
    tracks = {track.kind: track for track in take.tracks.all()}
    jumped = [6 * UPLINK_SAMPLES, jump]
    assert (tracks["participant"].gaps, tracks["heard"].gaps[0]) == ([jumped], jumped)
    until = tracks["heard"].duration_samples - LATENCY
    np.testing.assert_array_equal(samples(take, "heard")[:until], samples(take, "participant")[:until])


def test_filing_twice_does_nothing_the_second_time(ended: Take) -> None:
    assert file_take(ended.pk)
    before = list(ended.tracks.values())
    assert not file_take(ended.pk)
    assert list(ended.tracks.values()) == before


def test_filing_cut_off_before_its_end_is_done_again(ended: Take, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt  # as a kill would: past every `except Exception`

    with monkeypatch.context() as killed:
        killed.setattr("studies.talk.filing.filing._keep_snapshots", die)
        with pytest.raises(KeyboardInterrupt):
            file_take(ended.pk)
    ended.refresh_from_db()
    assert (ended.state, ended.tracks.count()) == ("ended", 0)
    assert file_take(ended.pk)
    assert sorted(str(track.file.name) for track in ended.tracks.all()) == [
        f"{ended.pk}/{kind}.flac" for kind in ("agent", "heard", "participant")
    ]
    assert sorted(recordings().listdir(str(ended.pk))[1]) == [
        "agent.flac",
        "events.jsonl",
        "heard.flac",
        "participant.flac",
    ]


def test_filing_again_and_again_in_vain_gives_up_and_keeps_the_journal(
    ended: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("studies.talk.filing.filing._store", no_room)
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(OSError, match="No space"):
            file_take(ended.pk)
    ended.refresh_from_db()
    assert (ended.state, ended.filing_error) == ("failed", f"Filing failed {MAX_ATTEMPTS} times: OSError.")
    assert journal_path(ended.pk).exists()
    assert not file_take(ended.pk)


def test_running_take_is_not_filed(take: Take) -> None:
    write_journal(take, talk())
    assert not file_take(take.pk)
    assert journal_path(take.pk).exists()


def test_journal_in_use_is_not_filed(ended: Take) -> None:
    fd = lock(journal_path(ended.pk))
    assert not file_take(ended.pk)
    os.close(fd)
    assert file_take(ended.pk)


def test_torn_end_is_no_damage(take: Take) -> None:
    data = write_journal(take, talk())
    journal_path(take.pk).write_bytes(data + pack(b"\x04{}", 0)[:-1])
    takes.end_take(take.pk, Take.Outcome.ABANDONED, "abandoned")
    assert file_take(take.pk)
    take.refresh_from_db()
    assert (take.state, take.filing_error) == ("final", "")


def test_damaged_journal_files_the_rest_and_names_the_damage(take: Take) -> None:
    messages = talk()
    data = bytearray(write_journal(take, messages))
    at = len(MAGIC) + sum(HEADER_BYTES + len(message) for message in messages[:4]) + 100
    data[at] ^= 1  # in the second microphone frame
    journal_path(take.pk).write_bytes(data)
    takes.end_take(take.pk, Take.Outcome.COMPLETED, "participant")
    assert file_take(take.pk)
    take.refresh_from_db()
    assert take.state == Take.State.FINAL
    size = HEADER_BYTES + len(messages[4])
    assert take.filing_error.startswith(f"The journal was damaged ({size} bytes at ")
    assert take.tracks.get(kind="participant").gaps == [[UPLINK_SAMPLES, UPLINK_SAMPLES]]
    assert journal_path(take.pk).with_suffix(".damaged").read_bytes() == bytes(data)


def test_take_without_a_journal_has_no_tracks(take: Take) -> None:
    takes.end_take(take.pk, Take.Outcome.ABANDONED, "abandoned")
    assert file_take(take.pk)
    take.refresh_from_db()
    assert (take.state, take.tracks.count()) == ("final", 0)


def test_withdrawn_consent_before_filing_keeps_nothing(session: Session, ended: Take) -> None:
    session.consents.create(purpose="record", granted=False, document_sha256="0" * 64)
    assert file_take(ended.pk)
    ended.refresh_from_db()
    assert (ended.state, Track.objects.count()) == ("final", 0)
    assert (ended.filing_error, ended.erased_because) == ("", "no_consent")
    assert ended.filing_note == "The consent was withdrawn, so nothing was kept."
    assert not journal_path(ended.pk).exists()


def queued(task: str) -> list[list[str]]:
    """Takes everything out of Celery's queue, whichever broker holds it; the arguments of each such task."""
    found: list[list[str]] = []
    with current_app.connection_for_read() as connection, connection.SimpleQueue("celery") as queue:
        while True:
            try:
                message = queue.get_nowait()
            except Empty:
                return found
            message.ack()
            if message.headers["task"] == task:
                found.append(message.payload[0])


def test_end_asks_celery_to_file(trial: Trial) -> None:
    take = takes.start_take(trial)
    queued("studies.tasks.file_take")
    assert takes.end_take(take.pk, Take.Outcome.COMPLETED, "participant")
    assert not takes.end_take(take.pk, Take.Outcome.ABANDONED, "abandoned")
    assert queued("studies.tasks.file_take") == [[str(take.pk)]]


def test_erasure_while_a_take_is_being_filed_leaves_nothing(
    session: Session, ended: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode = filing.encode_tracks

    def erased_meanwhile(*arguments: Any) -> list[filing.EncodedTrack]:
        tracks = encode(*arguments)
        erase_recordings(session)
        return tracks

    monkeypatch.setattr(filing, "encode_tracks", erased_meanwhile)
    file_take(ended.pk)
    assert Track.objects.count() == 0
    assert [recordings().exists(f"{ended.pk}/{kind}.flac") for kind in Track.Kind] == [False] * 3
    assert not journal_path(ended.pk).exists()
    assert measure_and_store(ended.pk) == 0


def test_erasure_while_a_take_is_being_measured_leaves_no_values(
    session: Session, ended: Take, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_take(ended.pk)

    def erased_meanwhile(*_: Any) -> list[Any]:
        erase_recordings(session)
        return []

    monkeypatch.setattr(measuring, "measure", erased_meanwhile)
    assert measure_and_store(ended.pk) == 0
    assert Metric.objects.count() == 0
