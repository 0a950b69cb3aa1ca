"""Computes the Metric rows of a filed take."""

from __future__ import annotations

from typing import cast
from uuid import UUID

import structlog
from django.db import transaction

from studies.insights.measure import measure
from studies.insights.measurement import Role, TrackKind, Words
from studies.models import Metric, Take, Track
from studies.talk.integrity import samples_of

log = structlog.get_logger(__name__)


def measure_and_store(take_id: UUID) -> int:
    """Measures a take's tracks and replaces its metrics; returns how many values and reasons were stored.

    Nothing is stored for a take that has not been filed or has been erased in the meantime. Raises RecordingError for a
    file that is no longer what was filed."""
    tracks = {cast(TrackKind, track.kind): samples_of(track) for track in Track.objects.filter(take_id=take_id)}
    if not tracks:
        return 0
    take = Take.objects.get(pk=take_id)
    words = [
        Words(cast(Role, said.role), said.text, said.start_ms, said.end_ms, said.discarded)
        for said in take.utterances.all()
    ]
    rows = [
        Metric(
            take=take,
            track=found.track,
            name=found.name,
            value=found.value,
            reason=found.reason,
            unit=found.unit,
            method=found.method,
            version=found.version,
        )
        for found in measure(tracks, words)
    ]
    with transaction.atomic():
        Take.objects.select_for_update().get(pk=take_id)  # two concurrent measurements store one set
        if not Track.objects.filter(take_id=take_id).exists():
            return 0
        Metric.objects.filter(take=take).delete()
        Metric.objects.bulk_create(rows)
    log.info("take_measured", take=str(take_id), empty=sum(row.value is None for row in rows), stored=len(rows))
    return len(rows)
