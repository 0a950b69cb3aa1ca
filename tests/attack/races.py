"""Consent that is taken back while somebody talks, at any moment of it: the talk ends, nothing more is taken, and what
was recorded is gone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from tests.attack.tally import Tally
from tests.attack.target import Target, posted
from tests.e2e.browser_twin import BrowserTwin

TALKS: Final = 6
TALK_SEC: Final = 12.0
LATEST_SEC: Final = 4.0
ENDED_WITHIN_SEC: Final = 10.0
ERASED_WITHIN_SEC: Final = 60.0


async def attack(target: Target, tally: Tally) -> None:
    for number, token in enumerate(target.sessions(TALKS)):
        await _withdraw_in_mid_talk(target, BrowserTwin(target.url, token, seed=number), tally)
    (token,) = target.sessions(1)
    await asyncio.to_thread(_withdraw, target, token)
    over = await BrowserTwin(target.url, token).talk(0, 1.0)
    tally.holds(over.reason != "participant", f"somebody who withdrew talked: {over}")


async def _withdraw_in_mid_talk(target: Target, twin: BrowserTwin, tally: Tally) -> None:
    talking = asyncio.create_task(twin.talk(0, TALK_SEC))
    await asyncio.sleep(target.chance.uniform(0, LATEST_SEC))
    await asyncio.to_thread(_withdraw, target, twin.token)
    done, _ = await asyncio.wait([talking], timeout=ENDED_WITHIN_SEC)
    tally.holds(bool(done), "the talk went on after the withdrawal")
    talking.cancel()
    if twin.take:
        tally.holds(await _erased(target, twin.take), "recordings were left after the withdrawal")


def _withdraw(target: Target, token: str) -> None:
    with target.role("anonymous") as http:
        answer = posted(http, f"/p/{token}/withdraw/")
        assert answer.status_code in (200, 302), answer.status_code


async def _erased(target: Target, take: str) -> bool:
    """Whether no sound of the take is left, neither filed nor in the journal, after some time."""
    waited = 0.0
    while waited < ERASED_WITHIN_SEC:
        found = await asyncio.to_thread(lambda: target.stack.script("tests.e2e.inspect_take", take=take))
        journal = [path for path in (Path(target.stack.folder) / "data").rglob(f"*{take}*") if path.is_file()]
        if found["state"] in ("final", "failed") and not found["tracks"] and not journal:
            return True
        await asyncio.sleep(1)
        waited += 1
    return False
