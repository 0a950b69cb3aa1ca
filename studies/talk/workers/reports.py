"""The reports of inference workers, and the choice of a worker for a take."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Annotated, Any, Final

from django.conf import settings
from django.db.models import F, QuerySet
from django.utils import timezone
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from inference.contract.errors import NoWorker
from inference.contract.tokens import HEARTBEAT
from studies.errors import ReportRefused
from studies.models import InferenceWorker
from studies.talk.workers.needs import Needs, obstacle_at, sending
from studies.talk.workers.tokens import reader

FORGET_AFTER: Final = timedelta(days=1)


LARGEST: Final = 2**31 - 1  # what a database counts to
LARGEST_TOTAL: Final = 2**63 - 1


def _storable(value: Any) -> Any:
    """Raises ValueError for text that a database does not take: NUL, and halves of surrogate pairs."""
    written = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if "\\u0000" in written:
        raise ValueError("holds NUL")
    written.encode()
    return value


class Heartbeat(BaseModel):
    """One report. Anything else raises ValidationError."""

    model_config = ConfigDict(extra="ignore", strict=True, allow_inf_nan=False)

    name: str = Field(min_length=1, max_length=80)
    address: str = Field(max_length=200, pattern=r"^wss?://")
    engines: dict[str, Any]
    converters: dict[str, Any] | list[str]
    latency_samples: dict[str, Annotated[int, Field(ge=0, le=LARGEST)]] = Field(default_factory=dict)
    slots: int = Field(ge=0, le=LARGEST)
    free_slots: int = Field(ge=0, le=LARGEST)
    queue_length: int = Field(0, ge=0, le=LARGEST)
    accepting: bool = True
    draining: bool = False
    occupancy: float | None = Field(None, ge=0)
    step_ms_p50: float | None = Field(None, ge=0)
    step_ms_p95: float | None = Field(None, ge=0)
    step_ms_p99: float | None = Field(None, ge=0)
    late_steps: int = Field(0, ge=0, le=LARGEST_TOTAL)

    _is_storable = field_validator("name", "address", "engines", "converters", "latency_samples")(_storable)


def record_heartbeat(text: str) -> InferenceWorker:
    """Stores a signed report and forgets workers unseen for a day. Raises TokenError, and ReportRefused for one that
    is signed and says what cannot be."""
    try:
        report = Heartbeat.model_validate(reader().read(HEARTBEAT, text))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ReportRefused(".".join(map(str, first["loc"])), first["msg"]) from None
    now = timezone.now()
    InferenceWorker.objects.filter(seen_at__lt=now - FORGET_AFTER).delete()
    fields = report.model_dump(exclude={"name"}) | {"seen_at": now}
    return InferenceWorker.objects.update_or_create(name=report.name, defaults=fields)[0]


def fresh(within_sec: float = 0) -> QuerySet[InferenceWorker]:
    """Returns the workers seen recently, by default within WORKER_STALE_SEC."""
    since = timezone.now() - timedelta(seconds=within_sec or settings.WORKER_STALE_SEC)
    return InferenceWorker.objects.filter(seen_at__gte=since)


def is_served(needs: Needs, within_sec: float) -> bool:
    """Returns whether a worker for the take was seen so recently that it or its successor will soon be there."""
    return any(not obstacle_at(needs, worker) for worker in fresh(within_sec))


def find(needs: Needs) -> InferenceWorker:
    """Returns the least loaded worker that serves a take. Raises NoWorker.

    A worker that currently accepts nobody comes last, because a take sent there has to queue."""
    able = [worker for worker in fresh().filter(draining=False) if not obstacle_at(needs, worker)]
    if not able:
        raise NoWorker(needs.engine, sorted(needs.converters))
    return min(able, key=_load)


def pick(needs: Needs) -> InferenceWorker:
    """Returns `find`'s worker and counts it as one slot fuller until it reports again. Raises NoWorker."""
    worker = find(needs)
    if worker.free_slots:
        InferenceWorker.objects.filter(pk=worker.pk, free_slots__gt=0).update(free_slots=F("free_slots") - 1)
    else:
        InferenceWorker.objects.filter(pk=worker.pk).update(queue_length=F("queue_length") + 1)
    return worker


def find_converting(converters: frozenset[str], *, third_party: bool) -> InferenceWorker | None:
    """Returns the least loaded worker with these converters, whatever its engines, or None if there is none.

    `third_party` allows converters that send the voice to somebody else."""
    able = [
        worker
        for worker in fresh().filter(draining=False)
        if converters <= set(worker.converters) and (third_party or not sending(converters, worker))
    ]
    return min(able, key=_load, default=None)


def find_twins(needs: Needs, fingerprint: str, leaving: str) -> list[InferenceWorker]:
    """Returns the workers that can take over a live conversation from the one at address `leaving`.

    They have the same weights and a free slot, and the least loaded comes first."""
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
    """Returns what engines that produce the same tokens share, or an empty text if conversations cannot move."""
    found = snapshot.get("fingerprint") if isinstance(snapshot, dict) else None
    return found if isinstance(found, str) else ""


def name_of(address: str) -> str:
    """Returns the name of the worker at an address, or the address if the worker is no longer known."""
    names = InferenceWorker.objects.filter(address=address).order_by("-seen_at").values_list("name", flat=True)
    return names.first() or address


def mark_gone(address: str) -> None:
    """Keeps a worker that did not answer from being chosen until its next report."""
    before = timezone.now() - timedelta(seconds=settings.WORKER_STALE_SEC)
    InferenceWorker.objects.filter(address=address, seen_at__gt=before).update(seen_at=before)


def _load(worker: InferenceWorker) -> tuple[bool, int, int, str]:
    return not worker.accepting, worker.queue_length, -worker.free_slots, worker.name
