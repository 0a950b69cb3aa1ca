"""The inference workers as they report themselves, and the choice of one for a take."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db.models import F, QuerySet
from django.utils import timezone
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from inference.contract.errors import NoWorker, TokenError
from inference.contract.tokens import HEARTBEAT, read
from studies.models import InferenceWorker
from studies.talk.workers.needs import Needs, obstacle_at

FORGET_AFTER: Final = timedelta(days=1)


class Heartbeat(BaseModel):
    """One report. Raises ValidationError for anything else."""

    model_config = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False)

    name: str = Field(min_length=1, max_length=80)
    address: str = Field(max_length=200, pattern=r"^wss?://")
    engines: dict[str, Any]
    converters: list[str]
    latency_samples: dict[str, int] = Field(default_factory=dict)
    slots: int = Field(ge=0)
    free_slots: int = Field(ge=0)
    queue_length: int = Field(0, ge=0)
    accepting: bool = True
    draining: bool = False
    occupancy: float | None = Field(None, ge=0)
    step_ms_p50: float | None = Field(None, ge=0)
    step_ms_p95: float | None = Field(None, ge=0)
    step_ms_p99: float | None = Field(None, ge=0)
    late_steps: int = Field(0, ge=0)


def record_heartbeat(text: str) -> InferenceWorker:
    """Stores a signed report; workers unseen for a day are forgotten. Raises TokenError."""
    try:
        report = Heartbeat.model_validate(read(HEARTBEAT, text, settings.WORKER_SECRET))
    except ValidationError:
        raise TokenError("invalid") from None
    now = timezone.now()
    InferenceWorker.objects.filter(seen_at__lt=now - FORGET_AFTER).delete()
    fields = report.model_dump(exclude={"name"}) | {"seen_at": now}
    return InferenceWorker.objects.update_or_create(name=report.name, defaults=fields)[0]


def fresh(within_sec: float = 0) -> QuerySet[InferenceWorker]:
    """Workers seen lately, by default within WORKER_STALE_SEC."""
    since = timezone.now() - timedelta(seconds=within_sec or settings.WORKER_STALE_SEC)
    return InferenceWorker.objects.filter(seen_at__gte=since)


def is_served(needs: Needs, within_sec: float) -> bool:
    """Whether a worker that serves a take was seen so lately that it, or one in its place, is about to be there."""
    return any(not obstacle_at(needs, worker) for worker in fresh(within_sec))


def find(needs: Needs) -> InferenceWorker:
    """The least loaded worker that serves a take. One that accepts nobody just now comes last: what is sent there
    waits in its queue. Raises NoWorker."""
    able = [worker for worker in fresh().filter(draining=False) if not obstacle_at(needs, worker)]
    if not able:
        raise NoWorker(needs.engine, sorted(needs.converters))
    return min(able, key=_load)


def pick(needs: Needs) -> InferenceWorker:
    """`find`'s worker, which counts as one slot fuller until it reports again. Raises NoWorker."""
    worker = find(needs)
    if worker.free_slots:
        InferenceWorker.objects.filter(pk=worker.pk, free_slots__gt=0).update(free_slots=F("free_slots") - 1)
    else:
        InferenceWorker.objects.filter(pk=worker.pk).update(queue_length=F("queue_length") + 1)
    return worker


def find_converting(converters: frozenset[str]) -> InferenceWorker | None:
    """The least loaded worker with these converters, whatever engines it has; None without one."""
    able = [worker for worker in fresh().filter(draining=False) if converters <= set(worker.converters)]
    return min(able, key=_load, default=None)


def find_twins(needs: Needs, fingerprint: str, leaving: str) -> list[InferenceWorker]:
    """Workers that can take a live conversation over from the one at address `leaving`, the least loaded first: same
    weights, and a free slot now."""
    return sorted(
        (
            worker
            for worker in fresh()
            if worker.address != leaving
            and worker.accepting
            and worker.free_slots
            and not obstacle_at(needs, worker)
            and fingerprint_of(worker.engines[needs.engine]) == fingerprint
        ),
        key=_load,
    )


def fingerprint_of(snapshot: Any) -> str:
    """What engines that answer with the same tokens have in common; empty for one whose conversations cannot move."""
    found = snapshot.get("fingerprint") if isinstance(snapshot, dict) else None
    return found if isinstance(found, str) else ""


def name_of(address: str) -> str:
    """What the worker at an address calls itself; the address when it is not known any more."""
    names = InferenceWorker.objects.filter(address=address).order_by("-seen_at").values_list("name", flat=True)
    return names.first() or address


def mark_gone(address: str) -> None:
    """A worker that did not answer is not chosen again until its next report."""
    before = timezone.now() - timedelta(seconds=settings.WORKER_STALE_SEC)
    InferenceWorker.objects.filter(address=address, seen_at__gt=before).update(seen_at=before)


def _load(worker: InferenceWorker) -> tuple[bool, int, int, str]:
    return not worker.accepting, worker.queue_length, -worker.free_slots, worker.name
