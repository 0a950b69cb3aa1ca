"""Who is let in: as many as the engines carry, nobody while steps are too slow, nobody while the worker stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest

from inference.contract.errors import EngineUnavailable
from inference.engines.base import Engine
from inference.engines.echo import EchoEngine
from inference.worker.__main__ import Worker
from inference.worker.settings import WorkerSettings
from inference.worker.statistics import StepStatistics
from tests.inference.running import (
    NOWHERE,
    SECRET,
    HeldEngine,
    Stopwatch,
    TimedEngine,
    converse,
    next_event,
    open_take,
    running_worker,
    say,
)

SETTINGS = WorkerSettings(worker_secret=SECRET, port=0, web_url=NOWHERE, engines=("echo",))


class RoomyEngine(EchoEngine):
    DEFAULT_SLOTS = 5


class MissingEngine(EchoEngine):
    def warm_up(self) -> None:
        raise EngineUnavailable("echo", "there is no GPU", "Set WORKER_ENGINES to cascade.")


def timed(step_sec: float) -> tuple[type[TimedEngine], StepStatistics]:
    """An engine whose steps take that long on its statistics' clock."""
    watch = Stopwatch()
    engine = type("Timed", (TimedEngine,), {"stopwatch": watch, "step_sec": step_sec})
    return engine, StepStatistics(watch)


@pytest.mark.parametrize(
    ("engines", "rows"),
    [({"echo": RoomyEngine}, 5), ({"echo": EchoEngine}, 2), ({"echo": RoomyEngine, "another": EchoEngine}, 2)],
    ids=["one", "another", "the smaller of two"],
)
async def test_engines_choose_how_many(engines: dict[str, Callable[..., Engine]], rows: int) -> None:
    worker = Worker(SETTINGS, {name: partial(engine, None, {}) for name, engine in engines.items()}, ("none",))
    await worker.start()
    try:
        assert (worker.takes.table.slots, worker.takes.table.free_slots) == (rows, rows)
    finally:
        await worker.stop()


async def test_engine_that_cannot_load_ends_the_worker() -> None:
    worker = Worker(SETTINGS, {"echo": partial(MissingEngine, None, {})}, ("none",))
    with pytest.raises(EngineUnavailable) as caught:
        await worker.start()
    assert caught.value.remedy == "Set WORKER_ENGINES to cascade."


async def health(worker: Worker) -> dict[str, Any]:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{worker.address.replace('ws', 'http')}/healthz")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


async def test_slow_steps_let_nobody_in_until_they_are_quick() -> None:
    engine, statistics = timed(0.1)
    async with running_worker(engine, statistics, slots=3) as worker:
        first = await open_take(worker, "1")
        await next_event(first, "live")
        await converse(first, range(15))
        second = await open_take(worker, "2")
        assert await next_event(second, "queue") == {"position": 1, "reason": "overloaded"}
        told = worker.report()
        assert {name: told[name] for name in ("accepting", "draining", "free_slots", "queue_length", "late_steps")} == {
            "accepting": False,
            "draining": False,
            "free_slots": 0,
            "queue_length": 1,
            "late_steps": 15,
        }
        assert [round(told[f"step_ms_p{percentile}"]) for percentile in (50, 95, 99)] == [100, 100, 100]
        assert (await health(worker))["accepting"] is False
        engine.step_sec = 0.02
        await converse(first, range(15, 200))
        assert (await next_event(second, "live"))["resumed"] is False
        assert (await health(worker))["accepting"] is True


async def test_those_who_wait_are_told_why() -> None:
    engine, statistics = timed(0.1)
    async with running_worker(engine, statistics, slots=1) as worker:
        first, second = [await open_take(worker, take) for take in ("1", "2")]
        await next_event(first, "live")
        assert await next_event(second, "queue") == {"position": 1}
        await converse(first, range(15))
        assert await next_event(second, "queue") == {"position": 1, "reason": "overloaded"}
        engine.stopwatch.seconds += 10
        assert await next_event(second, "queue") == {"position": 1}


async def test_talk_that_ends_under_load_makes_room() -> None:
    engine, statistics = timed(0.1)
    async with running_worker(engine, statistics, slots=2) as worker:
        first = await open_take(worker, "1")
        await next_event(first, "live")
        await converse(first, range(15))
        second = await open_take(worker, "2")
        await next_event(second, "queue")
        await first.close(end=True)
        engine.stopwatch.seconds += 10
        await next_event(second, "live")


async def test_no_limit_lets_everybody_in() -> None:
    engine, statistics = timed(0.5)
    async with running_worker(engine, statistics, slots=2, max_step_ms=0) as worker:
        first = await open_take(worker, "1")
        await next_event(first, "live")
        await converse(first, range(15))
        await next_event(await open_take(worker, "2"), "live")


@pytest.mark.parametrize("drains", [True, False], ids=["drains", "stops"])
async def test_stop_with_an_engine_that_is_stuck(drains: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("__main__.END_SEC", "steps.JOIN_SEC"):
        monkeypatch.setattr(f"inference.worker.{name}", 0.05)
    HeldEngine.go.clear()
    HeldEngine.entered.clear()
    async with running_worker(HeldEngine, drain_sec=0.05) as worker:
        slot = await open_take(worker)
        await next_event(slot, "live")
        await say(slot, 0)
        await asyncio.to_thread(HeldEngine.entered.wait)
        if drains:
            await worker.drain()
        await worker.stop()  # comes back
        HeldEngine.go.set()
