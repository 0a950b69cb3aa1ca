"""The inference workers as they report themselves, and the choice of one for a take."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import F
from django.utils import timezone
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from inference.errors import NoWorker, TokenError
from inference.tokens import read_heartbeat
from studies.models import InferenceWorker

FORGET_AFTER: Final = timedelta(days=1)


class Heartbeat(BaseModel):
    """One report. Raises ValidationError for anything else."""

    model_config = ConfigDict(extra="ignore", strict=True)

    name: str = Field(min_length=1, max_length=80)
    address: str = Field(max_length=200, pattern=r"^wss?://")
    engines: dict[str, Any]
    converters: list[str]
    slots: int = Field(ge=0)
    free_slots: int = Field(ge=0)
    queue_length: int = Field(0, ge=0)
    step_ms_p95: float | None = None
    late_steps: int = Field(0, ge=0)


def record_heartbeat(text: str) -> InferenceWorker:
    """Stores a signed report; workers unseen for a day are forgotten. Raises TokenError."""
    try:
        report = Heartbeat.model_validate(read_heartbeat(text, settings.WORKER_SECRET))
    except ValidationError:
        raise TokenError("invalid") from None
    now = timezone.now()
    InferenceWorker.objects.filter(seen_at__lt=now - FORGET_AFTER).delete()
    fields = report.model_dump(exclude={"name"}) | {"seen_at": now}
    return InferenceWorker.objects.update_or_create(name=report.name, defaults=fields)[0]


def find(engine: str, converters: Iterable[str], *, seen_within_sec: float = 0) -> InferenceWorker:
    """The least loaded worker seen lately (by default within WORKER_STALE_SEC) that serves the engine and all
    converters. Raises NoWorker."""
    needed = set(converters)
    since = timezone.now() - timedelta(seconds=seen_within_sec or settings.WORKER_STALE_SEC)
    fresh = InferenceWorker.objects.filter(seen_at__gte=since)
    able = [worker for worker in fresh if engine in worker.engines and needed <= set(worker.converters)]
    if not able:
        raise NoWorker(engine, sorted(needed))
    return min(able, key=lambda worker: (worker.queue_length, -worker.free_slots, worker.name))


def pick(engine: str, converters: Iterable[str]) -> str:
    """The address of `find`'s worker, which counts as one slot fuller until it reports again. Raises NoWorker."""
    worker = find(engine, converters)
    if worker.free_slots:
        InferenceWorker.objects.filter(pk=worker.pk, free_slots__gt=0).update(free_slots=F("free_slots") - 1)
    else:
        InferenceWorker.objects.filter(pk=worker.pk).update(queue_length=F("queue_length") + 1)
    return worker.address


def mark_gone(address: str) -> None:
    """A worker that did not answer is not chosen again until its next report."""
    before = timezone.now() - timedelta(seconds=settings.WORKER_STALE_SEC)
    InferenceWorker.objects.filter(address=address, seen_at__gt=before).update(seen_at=before)
