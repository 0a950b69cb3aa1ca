"""Many bots at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from studies.errors import SimulationError
from studies.protocol.schema import Protocol
from studies.simulation.bot import Bot
from studies.simulation.diary import Diary
from studies.simulation.talking import Microphone

ANSWER_SEC: Final = 60.0
HEALTH: Final = "/healthz"


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
    """What the bots did, and what kept some of them from their end."""

    diaries: list[Diary] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def ended(self, how: str) -> int:
        return sum(diary.ended == how for diary in self.diaries)


async def check_site(url: str) -> None:
    """Raises SimulationError unless people can talk there now."""
    try:
        async with httpx.AsyncClient(base_url=url, timeout=ANSWER_SEC) as http:
            answered = await http.get(HEALTH)
            state: Any = answered.json()
            wrong = list(state["wrong"])
    except httpx.HTTPError as error:
        raise SimulationError(
            f"nothing answers at {url} ({type(error).__name__}). Start the site there, or say with --url where it runs."
        ) from None
    except (ValueError, TypeError, LookupError):
        raise SimulationError(f"what answers at {url} is another site: say with --url where this one runs.") from None
    if wrong:
        raise SimulationError(f"nobody could talk at {url} now. The site says what is wrong: {', '.join(wrong)}.")


async def send_bots(
    plan: Plan, protocol: Protocol, microphone: Microphone, visits: Visits, tell: Callable[[str], None]
) -> None:
    """All visits, into `visits` one after another, whatever becomes of single ones. `tell` hears a line when a bot is
    through. Raises SimulationError where the site cannot be visited at all."""
    await check_site(plan.url)
    gate = asyncio.Semaphore(plan.at_once)

    async def visit(number: int) -> None:
        bot = Bot(number, plan.seed, plan.link, protocol, microphone, plan.talk_sec)
        async with (
            gate,
            httpx.AsyncClient(
                base_url=plan.url,
                timeout=ANSWER_SEC,
                follow_redirects=True,
                headers={"Accept-Language": bot.diary.language},
            ) as http,
        ):
            try:
                visits.diaries.append(await bot.visit(http))
                line = f"bot {number}: {bot.diary.ended}, {len(bot.diary.pages)} pages, {len(bot.diary.talks)} talks"
            except SimulationError as error:
                visits.failures.append(str(error))
                line = str(error)
        tell(f"{line} ({len(visits.diaries) + len(visits.failures)} of {plan.sessions})")

    await asyncio.gather(*(visit(number) for number in range(1, plan.sessions + 1)))
