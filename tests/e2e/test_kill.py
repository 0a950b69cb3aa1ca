"""kill -9 of any process at any moment of a talk: nothing acknowledged is lost, and the participant can go on."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile

from inference.contract.audio import UPLINK_SAMPLES
from tests.e2e.browser_twin import BrowserTwin, TalkOver, noise_frame
from tests.e2e.filing import filed
from tests.e2e.stack import Stack
from tests.extent import THOROUGH

KILLS = 20 if THOROUGH else 6
TALK_SEC = 8.0
GRACE_SEC = 60  # a web process that was killed is back well before, on a busy machine too
VICTIMS = ("web", "inference", "celery")


@pytest.mark.timeout(600)
async def test_kill_of_any_process_in_mid_take_loses_nothing_acknowledged(tmp_path: Path) -> None:
    chance = random.Random(20)
    victims = [VICTIMS[number % len(VICTIMS)] for number in range(KILLS)]
    chance.shuffle(victims)
    talks: list[tuple[str, int, int, TalkOver]] = []  # take, last acknowledged, seed, end
    with Stack(tmp_path, WORKER_ENGINES="echo", RECONNECT_GRACE_SEC=str(GRACE_SEC)) as stack:
        (token,) = stack.script("tests.e2e.seed", trials=60, engine="echo")
        position = 0
        while victims:
            twin = BrowserTwin(stack.url, token, seed=position)
            talking = asyncio.create_task(twin.talk(position, TALK_SEC, GRACE_SEC))
            position += 1
            while not talking.done() and victims:
                await asyncio.sleep(chance.uniform(0.2, 2.0))
                if talking.done() or not twin.live:
                    continue  # only a kill in mid-take counts, and only one at a time
                victim = victims.pop()
                await asyncio.to_thread(stack.kill, victim)
                if victim == "inference":
                    over = await talking
                    assert over.reason == "engine_lost"
                    assert over.message
                    await asyncio.to_thread(ready_again, stack)
            over = await talking
            assert over.reason in {"participant", "engine_lost"}, over
            if twin.acknowledged >= 0:
                talks.append((twin.take, twin.acknowledged, twin.seed, over))
        undisturbed = BrowserTwin(stack.url, token, seed=position)
        over = await undisturbed.talk(position, TALK_SEC, GRACE_SEC)
        talks.append((undisturbed.take, undisturbed.acknowledged, undisturbed.seed, over))
        assert over.reason == "participant"
        assert {over.reason for *_, over in talks} == {"participant", "engine_lost"}
        for take, acknowledged, seed, over in talks:
            found = await asyncio.to_thread(filed, stack, take)
            assert found["end_reason"] == over.reason
            samples, rate = soundfile.read(found["tracks"]["participant"]["path"], dtype="int16")
            assert rate == 24_000
            kept = samples[: (acknowledged + 1) * UPLINK_SAMPLES]
            sent = np.frombuffer(b"".join(noise_frame(n, seed) for n in range(acknowledged + 1)), "<i2")
            assert np.array_equal(kept, sent), f"take {take} lost something acknowledged"


def ready_again(stack: Stack) -> None:
    """The worker is back and has reported."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if httpx.get(f"{stack.url}/healthz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise TimeoutError(f"the inference worker did not come back:\n{stack.log}")
