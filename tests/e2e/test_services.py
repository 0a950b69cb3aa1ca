"""The same talk on PostgreSQL and Redis: only the environment differs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import redis
import soundfile

from inference.contract.audio import UPLINK_SAMPLES
from tests.e2e.browser_twin import BrowserTwin
from tests.e2e.filing import filed
from tests.e2e.own_databases import own_databases
from tests.e2e.stack import Stack

pytestmark = pytest.mark.services


async def test_talk_on_postgresql_and_redis_is_filed(tmp_path: Path) -> None:
    with own_databases() as named, Stack(tmp_path, WORKER_ENGINES="echo", **named) as stack:
        (token,) = await asyncio.to_thread(stack.script, "tests.e2e.seed", trials=1, engine="echo")
        twin = BrowserTwin(stack.url, token)
        over = await twin.talk(0, duration_sec=2.0)
        found = await asyncio.to_thread(filed, stack, twin.take)
        with redis.from_url(named["REDIS_URL"]) as queue:
            keys = {key.decode() for key in queue.keys("_kombu.binding.*")}
    assert over.reason == "participant"
    assert not (tmp_path / "data" / "db.sqlite3").exists()
    assert "_kombu.binding.celery" in keys
    assert set(found["tracks"]) == {"participant", "heard", "agent"}
    samples, _ = soundfile.read(found["tracks"]["participant"]["path"], dtype="int16")
    assert len(samples) == twin.sequence * UPLINK_SAMPLES
