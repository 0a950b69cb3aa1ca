"""What people see of an inference worker: whether it serves, how long its steps take and which engines it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings

from inference.contract.audio import FRAME_MS
from inference.contract.catalog import ENGINES
from studies.models import InferenceWorker
from studies.talk.workers.needs import sends_to_third_party

FACTS: Final = ("model", "revision", "version", "dtype", "device", "slots")
"""The fields of an engine's snapshot that distinguish engines at a glance."""
MAX_FACT_CHARACTERS: Final = 60
SHORT_REVISION: Final = 12


@dataclass(frozen=True, slots=True)
class StepChart:
    """The step times of the last minute, on a line that spans twice the time that a step may take."""

    p50_ms: float
    p95_ms: float
    p99_ms: float

    FULL_MS = 2.0 * FRAME_MS
    BUDGET_MS = FRAME_MS

    @property
    def is_late(self) -> bool:
        """Returns whether one step in twenty takes longer than the sound it produces."""
        return self.p95_ms > self.BUDGET_MS

    @property
    def places(self) -> dict[str, float]:
        """Returns the position of each value in percent of the line, at most 100."""
        values = {"p50": self.p50_ms, "p95": self.p95_ms, "p99": self.p99_ms, "budget": self.BUDGET_MS}
        return {name: round(min(100.0, 100 * value / self.FULL_MS), 1) for name, value in values.items()}


@dataclass(frozen=True, slots=True)
class EngineState:
    """An engine of a worker, from its snapshot."""

    name: str
    label: str
    facts: tuple[str, ...]
    test_only: bool
    third_party: bool


@dataclass(frozen=True, slots=True)
class WorkerState:
    """A worker as people see it. It is `fresh` if it reported recently enough to be given talks."""

    worker: InferenceWorker
    fresh: bool

    @property
    def status(self) -> tuple[str, str]:
        """Returns one of open, paused and closed, and the word for it."""
        if not self.fresh:
            return "closed", "Silent"
        if self.worker.draining:
            return "paused", "Stopping"
        return ("open", "Accepting") if self.worker.accepting else ("paused", "Too slow for more")

    @property
    def chart(self) -> StepChart | None:
        """Returns the chart, or None if no step was measured."""
        worker = self.worker
        if worker.step_ms_p50 is None or worker.step_ms_p95 is None or worker.step_ms_p99 is None:
            return None
        return StepChart(worker.step_ms_p50, worker.step_ms_p95, worker.step_ms_p99)

    @property
    def engines(self) -> list[EngineState]:
        return [_engine(name, snapshot) for name, snapshot in self.worker.engines.items()]


def state_of(worker: InferenceWorker, now: datetime) -> WorkerState:
    return WorkerState(worker, now - worker.seen_at <= timedelta(seconds=settings.WORKER_STALE_SEC))


def _engine(name: str, snapshot: Any) -> EngineState:
    snapshot = snapshot if isinstance(snapshot, dict) else {}
    return EngineState(
        name=name,
        label=ENGINES[name].label if name in ENGINES else name,
        facts=tuple(_facts(snapshot)),
        test_only=bool(snapshot.get("test_only")),
        third_party=sends_to_third_party(name, snapshot),
    )


def _facts(snapshot: Mapping[str, Any]) -> Iterator[str]:
    for name in FACTS:
        value = snapshot.get(name)
        if isinstance(value, str | int) and value != "":
            text = str(value)[:SHORT_REVISION] if name == "revision" else str(value)[-MAX_FACT_CHARACTERS:]
            yield text if name in {"model", "device", "dtype"} else f"{name} {text}"
    servers = snapshot.get("servers")
    if isinstance(servers, list):
        yield from (str(server.get("address", "")) for server in servers if isinstance(server, dict))
