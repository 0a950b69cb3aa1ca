"""A disk that is full before a talk and in the middle of one: the talk is refused or ends with a reason, and what was
acknowledged is filed once there is room again. Needs a small file system of its own, which root alone can mount."""

from __future__ import annotations

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import soundfile

from inference.contract.audio import UPLINK_SAMPLES
from tests.attack.tally import Tally
from tests.attack.target import Target
from tests.e2e.browser_twin import BrowserTwin
from tests.e2e.filing import filed
from tests.e2e.stack import Stack

SIZE_MB: Final = 64
TALK_SEC: Final = 6.0


async def attack(target: Target, tally: Tally) -> None:
    with tempfile.TemporaryDirectory() as folder, _small_disk(Path(folder)) as mounted:
        if not mounted:
            tally.left_out.append("full disk: only root can mount a small file system, and not in every container")
            return
        with Stack(Path(folder), WORKER_ENGINES="echo", ALLOW_TEST_MODELS="true", JOURNAL_MIN_FREE_MB="1") as stack:
            (token,) = stack.script("tests.e2e.seed", trials=3, engine="echo")
            twin = BrowserTwin(stack.url, token)
            talking = asyncio.create_task(twin.talk(0, TALK_SEC))
            while not twin.live and not talking.done():
                await asyncio.sleep(0.05)
            await asyncio.sleep(2)
            ballast = await asyncio.to_thread(_fill, Path(folder) / "data")
            over = await talking
            told = over.reason == "participant" or (over.message and over.reason != "abandoned")
            tally.holds(told, f"the participant was not told why the talk ended: {over}")
            refused = await BrowserTwin(stack.url, token).talk(1, 1.0)
            tally.holds(refused.reason != "participant" and bool(refused.message), f"on a full disk: {refused}")
            ballast.unlink()
            found = await asyncio.to_thread(filed, stack, twin.take)
            samples, _ = soundfile.read(found["tracks"]["participant"]["path"])
            tally.holds(len(samples) >= (twin.acknowledged + 1) * UPLINK_SAMPLES, "something acknowledged is not filed")
            over = await BrowserTwin(stack.url, token).talk(2, 1.0)
            tally.holds(over.reason == "participant", f"with room again: {over}")


@contextmanager
def _small_disk(folder: Path) -> Iterator[bool]:
    data = folder / "data"
    data.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", str(data)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(data)], check=False)


def _fill(folder: Path) -> Path:
    """A file that takes all the room there is."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1_000_000))
        except OSError:
            pass
    return ballast
