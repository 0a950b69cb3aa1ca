"""Files a take that is over: three FLAC tracks on one time axis, its words and its events. Then it deletes the journal.

Filing can be repeated from any point: nothing refers to a file until the last transaction, and the journal is deleted
only after that.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import numpy as np
import soundfile
import structlog
from django.core.files.base import ContentFile
from django.db import transaction

from inference.contract.audio import SAMPLE_RATE_HZ, Int16
from studies.errors import RecordingError
from studies.insights.speech import audible_stretches
from studies.models import ConsentEvent, EngineSnapshot, Take, Track, Trial, Utterance, VoiceSnapshot
from studies.models.take import recordings
from studies.talk.filing.losses import problems_of, why_lost
from studies.talk.filing.reading import Reading, read_take
from studies.talk.filing.timeline import Lane
from studies.talk.filing.transcript import utterances
from studies.talk.journal.file import journal_path, lock
from studies.talk.takes import ACKNOWLEDGED, OPEN_STATES

MAX_ATTEMPTS: Final = 5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EncodedTrack:
    """One FLAC file, checked by decoding it. `gaps` and `audible` are [first sample, samples]."""

    kind: str
    data: bytes
    sha256: str
    duration_samples: int
    gaps: list[list[int]]
    audible: list[list[int]]
    delay_samples: int


def file_take(take_id: UUID) -> bool:
    """Files an ended take. Returns False if the take is still running, is being filed or has already been filed, and if
    nothing is left of what was said in it: then it has failed, and its participant may talk again.

    An error is recorded in the row and raised again. After MAX_ATTEMPTS the row stays "failed"; the journal is kept."""
    path = journal_path(take_id)
    fd: int | None = None
    try:
        with suppress(FileNotFoundError):
            fd = lock(path)
    except RecordingError:
        return False
    try:
        take = Take.objects.select_related("trial__session", "trial__condition").filter(pk=take_id).first()
        if take is None or take.state in OPEN_STATES or take.state == Take.State.FAILED:
            return False
        if take.state == Take.State.FINAL:
            path.unlink(missing_ok=True)
            return False
        return _file(take, path)
    except Exception as error:
        _note_failure(take_id, error)
        raise
    finally:
        if fd is not None:
            os.close(fd)


def _file(take: Take, path: Path) -> bool:
    consent = take.trial.session.consent(ConsentEvent.Purpose.RECORD)
    if consent is None:
        Take.objects.filter(pk=take.pk).update(
            state=Take.State.FINAL, filing_error="", erased_because=Take.ErasedBecause.NO_CONSENT
        )
        path.unlink(missing_ok=True)
        return True
    reading = read_take(path)
    if lost := why_lost(take, reading):
        log.error("recording_lost", take=str(take.pk), acknowledged=take.counts.get(ACKNOWLEDGED))
        Take.objects.filter(pk=take.pk, state=Take.State.ENDED).update(
            state=Take.State.FAILED,
            outcome=Take.Outcome.INTERRUPTED,
            end_reason="recording_lost",
            filing_error=lost[:200],
        )
        return False
    conversion = conversion_of(
        take.trial, reading.live.get("voices") or (), [event for event in reading.events if event["type"] == "switch"]
    )
    tracks = encode_tracks(reading, file_comment(conversion))
    names = {track.kind: _store(f"{take.pk}/{track.kind}.flac", track.data) for track in tracks}
    lines = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in reading.events)
    events_name = _store(f"{take.pk}/events.jsonl", lines.encode()) if lines else ""
    problems = problems_of(take, reading)
    with transaction.atomic():
        take = Take.objects.select_for_update().get(pk=take.pk)
        if take.state != Take.State.ENDED:  # erased during filing, so the files just stored are deleted too
            for name in {*names.values(), events_name} - {""}:
                recordings().delete(name)
            return False
        take.tracks.all().delete()
        take.utterances.all().delete()
        Track.objects.bulk_create(
            Track(
                take=take,
                kind=track.kind,
                consent=consent,
                file=names[track.kind],
                sha256=track.sha256,
                sample_rate_hz=SAMPLE_RATE_HZ,
                duration_samples=track.duration_samples,
                lost_samples=sum(samples for _, samples in track.gaps),
                gaps=track.gaps,
                audible=track.audible,
                backfilled=reading.backfilled if track.kind == Track.Kind.PARTICIPANT else [],
                delay_samples=track.delay_samples,
                conversion=conversion if track.kind == Track.Kind.HEARD else [],
            )
            for track in tracks
        )
        said = utterances(reading.events_by_name(), reading.clock, reading.latency_samples)
        Utterance.objects.bulk_create(
            Utterance(
                take=take,
                role=row.role,
                turn=row.turn,
                start_ms=row.start_ms,
                end_ms=row.end_ms,
                text=row.text,
                raw_text=row.raw_text,
                discarded=row.discarded,
                by_rule=row.by_rule,
                noticed=row.noticed,
            )
            for row in said
        )
        _keep_snapshots(take, reading.live)
        take.events.name = events_name
        take.counts = {**take.counts, **reading.summary()}
        take.device = reading.device
        take.filing_error = " ".join(problems)[:200]
        take.state = Take.State.FINAL
        take.save()
    if problems:
        path.rename(path.with_suffix(".damaged"))  # kept for inspection; it is erased with the recordings
    else:
        path.unlink(missing_ok=True)
    log.info("take_filed", take=str(take.pk), samples=reading.duration, damaged_bytes=take.counts["damaged_bytes"])
    return True


def encode_tracks(reading: Reading, heard_comment: str = "") -> list[EncodedTrack]:
    """Encodes the three tracks, all of one length, or none if no microphone frame was kept.

    `heard_comment` is written into the file of the heard track. Raises RecordingError if an encoded track does not
    decode to the samples it was made from."""
    if not reading.participant.end:
        return []
    lanes = {
        Track.Kind.PARTICIPANT: (reading.participant, 0),
        Track.Kind.HEARD: (reading.heard, reading.latency_samples),
        Track.Kind.AGENT: (reading.agent, 0),
    }
    comments = {Track.Kind.HEARD: heard_comment}
    return [
        _encode(kind, lane, delay, reading.duration, comments.get(kind, "")) for kind, (lane, delay) in lanes.items()
    ]


def conversion_of(
    trial: Trial, snapshots: Sequence[Any], switches: Sequence[Mapping[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Returns a record for each segment of the voice schedule, or nothing if the voice was never converted.

    A record holds the converter, preset, target voice, parameters and times, and in `as_it_ran` the converter's own
    snapshot. Where a fallback voice had to take over, `fell_back` gives the sample on the microphone clock and the
    reason. `snapshots` are those that the inference worker reported, in the order of the schedule; there are fewer if
    the take never went live. `switches` are the events of that name."""
    if all(segment.get("converter", "none") == "none" for segment in trial.voices):
        return []
    ran = [*snapshots, *[None] * len(trial.voices)]
    records = [{**segment, "as_it_ran": snapshot} for segment, snapshot in zip(trial.voices, ran, strict=False)]
    for switch in switches:
        if switch.get("fallback"):
            place = {"sample": switch["actual_sample"], "to": switch["converter"], "reason": switch.get("reason", "")}
            _at(records, switch["actual_sample"])["fell_back"] = place
    return records


def _at(records: Sequence[dict[str, Any]], sample: int) -> dict[str, Any]:
    """Returns the segment that contains the sample."""
    begun = [record for record in records if (record.get("start_sec") or 0) * SAMPLE_RATE_HZ <= sample]
    return begun[-1] if begun else records[0]


def file_comment(conversion: Sequence[Any]) -> str:
    """Returns the Vorbis comment that describes the conversion, or an empty text for an unconverted voice."""
    if not conversion:
        return ""
    marked = {"converted_voice": True, "segments": list(conversion)}
    return f"Converted voice (Hear Me Out): {json.dumps(marked, ensure_ascii=False, sort_keys=True)}"


def _encode(kind: str, lane: Lane, delay_samples: int, duration: int, comment: str) -> EncodedTrack:
    samples = lane.samples(duration)
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", SAMPLE_RATE_HZ, 1, "PCM_16", format="FLAC") as flac:
        if comment:
            flac.comment = comment  # must be set before the samples are written, because the header precedes them
        flac.write(samples)
    data = file.getvalue()
    decoded: Int16
    decoded, rate_hz = soundfile.read(io.BytesIO(data), dtype="int16")
    if rate_hz != SAMPLE_RATE_HZ or not np.array_equal(decoded, samples):
        raise RecordingError("encoding_differs")
    heard = audible_stretches(samples.astype(np.float32) / np.float32(2**15))
    return EncodedTrack(
        kind,
        data,
        sha256=hashlib.sha256(data).hexdigest(),
        duration_samples=duration,
        gaps=lane.gaps(duration),
        audible=[[start, end - start] for start, end in heard],
        delay_samples=delay_samples,
    )


def _store(name: str, data: bytes) -> str:
    """Stores a recording and syncs it to disk, because the journal it was made from is deleted next."""
    storage = recordings()
    storage.delete(name)  # a file left by an unfinished filing
    stored: str = storage.save(name, ContentFile(data))
    with suppress(NotImplementedError):  # the storage is not on this machine's disk
        path = Path(storage.path(stored))
        for place in (path, path.parent):
            fd = os.open(place, os.O_RDONLY)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
    with storage.open(stored) as file:
        if file.read() != data:
            raise RecordingError("stored_differs")
    return stored


def _keep_snapshots(take: Take, live: Mapping[str, Any]) -> None:
    snapshot = live.get("snapshot")
    if isinstance(snapshot, dict):
        sha256 = canonical_sha256(snapshot)
        fields = {"name": str(live.get("engine", ""))[:40], "info": snapshot}
        take.engine_snapshot = EngineSnapshot.objects.get_or_create(sha256=sha256, defaults=fields)[0]
    voices = []
    for info in live.get("voices") or ():
        if isinstance(info, dict):
            fields = {"name": str(info.get("name", ""))[:40], "info": info}
            voices.append(VoiceSnapshot.objects.get_or_create(sha256=canonical_sha256(info), defaults=fields)[0])
    take.voice_snapshots.set(voices)


def canonical_sha256(value: Mapping[str, Any]) -> str:
    """Returns a digest that is the same for equal JSON objects, whatever the order of their keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _note_failure(take_id: UUID, error: Exception) -> None:
    log.exception("filing_failed", take=str(take_id))
    with transaction.atomic():
        take = Take.objects.select_for_update().filter(pk=take_id, state=Take.State.ENDED).first()
        if take is None:
            return
        attempts = int(take.counts.get("filing_attempts", 0)) + 1
        take.counts["filing_attempts"] = attempts
        reason = error.reason if isinstance(error, RecordingError) else type(error).__name__
        take.filing_error = f"Filing failed {attempts} times: {reason}."[:200]
        if attempts >= MAX_ATTEMPTS:
            take.state = Take.State.FAILED
        take.save(update_fields=["counts", "filing_error", "state"])
