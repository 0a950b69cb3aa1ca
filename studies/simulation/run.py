"""Runs many bots at once."""

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
    """A simulation. `link` is the path and query that begins a session of the mode bot. `sessions` bots take part,
    `at_once` of them at a time, and each talks for `talk_sec` seconds in every trial."""

    url: str
    link: str
    sessions: int
    at_once: int
    talk_sec: float
    seed: int = 0


@dataclass(slots=True)
class Visits:
    """The diaries of the bots that came to an end, and the errors of those that did not."""

    diaries: list[Diary] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def ended(self, how: str) -> int:
        return sum(diary.ended == how for diary in self.diaries)


async def check_site(url: str) -> None:
    """Raises SimulationError unless the site at `url` is healthy, so that participants can talk there."""
    try:
        async with httpx.AsyncClient(base_url=url, timeout=ANSWER_SEC) as http:
            answered = await http.get(HEALTH)
            state: Any = answered.json()
            wrong = list(state["wrong"])
    except httpx.HTTPError as error:
        raise SimulationError(
            f"nothing answers at {url} ({type(error).__name__}). Start it there, or use --url to say where it runs."
        ) from None
    except (ValueError, TypeError, LookupError):
        raise SimulationError(f"a different site answers at {url}: use --url to say where this one runs.") from None
    if wrong:
        raise SimulationError(f"no conversation is possible at {url} now. The site reports: {', '.join(wrong)}.")


async def send_bots(
    plan: Plan, protocol: Protocol, microphone: Microphone, visits: Visits, tell: Callable[[str], None]
) -> None:
    """Runs all bots and adds their diaries or errors to `visits` as they end. `tell` gets one line for each bot.

    Raises SimulationError if the site does not work at all."""
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
