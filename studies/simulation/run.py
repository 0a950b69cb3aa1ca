"""Many bots at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import httpx

from studies.protocol.schema import Protocol
from studies.simulation.bot import Bot
from studies.simulation.diary import Diary
from studies.simulation.errors import SimulationError
from studies.simulation.microphone import Microphone

ANSWER_SEC: Final = 60.0


@dataclass(frozen=True, slots=True)
class Plan:
    """`link`: address (path and query) by which a visit begins that does not count. `sessions` bots go through it,
    `at_once` of them at a time, each talking for `talk_sec` in every trial."""

    url: str
    link: str
    sessions: int
    at_once: int
    talk_sec: float
    seed: int = 0


@dataclass(slots=True)
class Visits:
    """What the bots did, and what kept some of them from the end."""

    diaries: list[Diary] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


async def send_bots(
    plan: Plan, protocol: Protocol, microphone: Microphone, tell: Callable[[str], None] = lambda text: None
) -> Visits:
    """All visits, whatever becomes of single ones. `tell` hears a line when a bot is through."""
    visits = Visits()
    gate = asyncio.Semaphore(plan.at_once)

    async def visit(number: int) -> None:
        bot = Bot(number, plan.seed, plan.link, protocol, microphone, plan.talk_sec)
        async with (
            gate,
            httpx.AsyncClient(base_url=plan.url, timeout=ANSWER_SEC, follow_redirects=True) as http,
        ):
            try:
                visits.diaries.append(await bot.visit(http))
                tell(f"bot {number}: {len(bot.diary.pages)} pages, {len(bot.diary.talks)} talks")
            except SimulationError as error:
                visits.failures.append(str(error))
                tell(str(error))

    await asyncio.gather(*(visit(number) for number in range(1, plan.sessions + 1)))
    visits.diaries.sort(key=lambda diary: diary.bot)
    return visits
