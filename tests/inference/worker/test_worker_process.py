"""`python -m inference.worker` as it is started: signals, exit status, what it prints."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
import sys

from inference.contract.client import open_slot
from inference.contract.tokens import SlotRequest
from inference.contract.wire import Metadata
from inference.worker.takes import ENDINGS
from tests.inference.running import NOWHERE, SECRET, everything, next_event

COMMAND = [sys.executable, "-u", "-m", "inference.worker"]


def environment(**variables: str) -> dict[str, str]:
    own = {"WORKER_SECRET": SECRET, "WORKER_ENGINES": "echo", "WORKER_PORT": "0", "WEB_URL": NOWHERE}
    return {**os.environ, **own, **variables}


async def test_sigterm_tells_the_talkers_and_exits_with_0() -> None:
    environ = environment(WORKER_DRAIN_SEC="0.1")
    process = await asyncio.create_subprocess_exec(*COMMAND, env=environ, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    try:
        while not (found := re.search(r"ws://[\d.:]+", (await process.stderr.readline()).decode())):
            assert process.returncode is None
        address = found[0]
        slot = await open_slot(address, SlotRequest("take-1", "echo"), SECRET)
        await next_event(slot, "live")
        process.send_signal(signal.SIGTERM)
        messages, _ = await everything(slot)
        log = (await process.stderr.read()).decode()
        await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
    stopping = Metadata("ended", {"reason": "stopping", "message": ENDINGS["stopping"]})
    assert messages == [Metadata("moving", {"next_step": 0}), stopping]  # nobody came for it
    assert process.returncode == 0
    assert "Traceback" not in log
    assert SECRET not in log


def test_wrong_environment_is_named() -> None:
    done = subprocess.run(COMMAND, env=environment(WORKER_SLOTS="many"), capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == (
        "The inference worker cannot start, because of the environment:\n"
        "  WORKER_SLOTS: should be a whole number from 1 to 512 (found 'many')\n"
        "See docs/settings.md.\n"
    )
