"""What Celery runs. Each fetches by id and calls one verb; each can run twice, or never: the sweep makes up for it."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

import soundfile
from celery import shared_task
from celery.signals import worker_ready
from django.db import transaction
from django.utils import timezone

from inference.audio import Float32
from studies.insights.measure import measure
from studies.insights.measurement import Role, TrackKind, Words
from studies.models import Metric, Take, Track
from studies.talk import erasure, filing, sweep


@shared_task
def file_take(take_id: str) -> None:
    """Files an ended take, then has it measured."""
    if filing.file_take(UUID(take_id)):
        measure_take.delay(take_id)


@shared_task
def measure_take(take_id: str) -> None:
    """Computes the metrics of a filed take, in place of those it had."""
    take = Take.objects.filter(pk=take_id, state=Take.State.FINAL, tracks__isnull=False).first()
    if take is not None:
        _measure(take)


@shared_task
def pick_up_unfiled_takes() -> None:
    """Ends, files and measures what was left behind by a crash, a kill or a lost message."""
    sweep.end_left_takes()
    sweep.file_forgotten_takes()
    sweep.remove_filed_journals()
    for take in sweep.unmeasured_takes():
        _measure(take)


@shared_task
def erase_expired_recordings() -> None:
    """Erases recordings past their study's retention date."""
    erasure.erase_expired(timezone.localdate())


@worker_ready.connect
def _pick_up_at_start(**_: Any) -> None:
    pick_up_unfiled_takes.delay()


def _measure(take: Take) -> None:
    """Nothing of the insights knows the database: rows in, rows out."""
    tracks = {cast("TrackKind", track.kind): _samples(track) for track in take.tracks.all()}
    said = [
        Words(cast("Role", row.role), row.text, row.start_ms, row.end_ms, row.discarded)
        for row in take.utterances.all()
    ]
    found = measure(tracks, said)
    with transaction.atomic():
        if not Take.objects.select_for_update().filter(pk=take.pk, tracks__isnull=False).exists():
            return  # erased while it was measured
        take.metrics.all().delete()
        Metric.objects.bulk_create(
            Metric(
                take=take,
                track=each.track,
                name=each.name,
                value=each.value,
                reason=each.reason,
                unit=each.unit,
                method=each.method,
                version=each.version,
            )
            for each in found
        )


def _samples(track: Track) -> Float32:
    """float32 [n] at the track's own rate, which is 24 kHz."""
    with track.file.open("rb") as file:
        samples: Float32
        samples, _ = soundfile.read(file, dtype="float32")
    return samples
