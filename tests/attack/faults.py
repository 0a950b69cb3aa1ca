"""Faults in mid-talk: of each it is told whether the talk ended as it should, whether everything acknowledged is filed,
and whether the product comes back by itself."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import psycopg
import redis
import soundfile

from inference.contract.audio import UPLINK_SAMPLES
from tests.attack.tally import Tally
from tests.attack.target import Target
from tests.e2e.browser_twin import BrowserTwin, noise_frame
from tests.e2e.filing import filed
from tests.e2e.stack import Stack

TALK_SEC: Final = 8.0
GRACE_SEC: Final = 60
LOCKED_SEC: Final = 5.0
ENDS: Final = {"participant", "engine_lost"}


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    strike: Callable[[Stack], None]


def _kill(process: str) -> Fault:
    return Fault(f"kill -9 of {process}", lambda stack: stack.kill(process))


def _hang(stack: Stack) -> None:
    """The web process lives and does nothing; the supervisor must find out and replace it."""
    process = stack.process("web")
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)


def _lock_sqlite(stack: Stack) -> None:
    with sqlite3.connect(stack.folder / "data" / "db.sqlite3", timeout=30) as database:
        database.execute("BEGIN EXCLUSIVE")
        time.sleep(LOCKED_SEC)
        database.rollback()


def _cut_postgresql(stack: Stack) -> None:
    """As a restart of the server does to those that are connected."""
    with psycopg.connect(stack.environment["DATABASE_URL"], autocommit=True) as database:
        database.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def _cut_redis(stack: Stack) -> None:
    with redis.from_url(stack.environment["REDIS_URL"]) as broker:
        broker.client_kill_filter(_type="normal", skipme=True)
        broker.client_kill_filter(_type="pubsub", skipme=True)


ANYWHERE: Final = (_kill("web"), _kill("inference"), _kill("celery"), _kill("schedule"), Fault("hung web", _hang))
ON_SQLITE: Final = (Fault("locked database", _lock_sqlite),)
ON_SERVICES: Final = (Fault("lost database", _cut_postgresql), Fault("lost broker", _cut_redis))


async def attack(target: Target, tally: Tally) -> None:
    services = bool(target.stack.environment.get("DATABASE_URL"))
    faults = (*ANYWHERE, *(ON_SERVICES if services else ON_SQLITE))
    if not services:
        tally.left_out.append("lost database and lost broker: run it with DATABASE_URL and REDIS_URL")
    (token,) = target.sessions(1, trials=2 * len(faults))
    for number, fault in enumerate(faults):
        await _struck(target, BrowserTwin(target.url, token, seed=2 * number), 2 * number, fault, tally)
        if not tally.holds(await target.alive(), f"{fault.name}: the product did not come back"):
            return
        over = await BrowserTwin(target.url, token).talk(2 * number + 1, 1.0, GRACE_SEC)
        tally.holds(over.reason == "participant", f"{fault.name}: the next talk ended with {over}")


async def _struck(target: Target, twin: BrowserTwin, position: int, fault: Fault, tally: Tally) -> None:
    talking = asyncio.create_task(twin.talk(position, TALK_SEC, GRACE_SEC))
    while not twin.live and not talking.done():
        await asyncio.sleep(0.05)
    await asyncio.sleep(target.chance.uniform(0.5, 3.0))
    await asyncio.to_thread(fault.strike, target.stack)
    over = await talking
    tally.holds(over.reason in ENDS and twin.acknowledged >= 0, f"{fault.name}: the talk ended with {over}")
    if twin.acknowledged >= 0:
        try:
            found = await asyncio.to_thread(filed, target.stack, twin.take)
        except AssertionError:
            tally.holds(False, f"{fault.name}: the take was never filed")
            return
        kept, sent = _kept(found["tracks"]["participant"]["path"], twin)
        tally.holds(np.array_equal(kept, sent), f"{fault.name}: something acknowledged is not filed")


def _kept(path: str, twin: BrowserTwin) -> tuple[np.ndarray, np.ndarray]:
    """(as filed, as sent) of all that was acknowledged."""
    samples, _ = soundfile.read(path, dtype="int16")
    sent = b"".join(noise_frame(number, twin.seed) for number in range(twin.acknowledged + 1))
    return samples[: (twin.acknowledged + 1) * UPLINK_SAMPLES], np.frombuffer(sent, "<i2")
