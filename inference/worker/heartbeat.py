"""Tells the web, every two seconds, what this inference worker can do and how busy it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

import httpx
import structlog

from inference.contract.tokens import HEARTBEAT, sign

INTERVAL_SEC: Final = 2.0
FIRST_INTERVAL_SEC: Final = 0.5  # until the web first answers, because a worker may start before it
TIMEOUT_SEC: Final = 2.0
PATH: Final = "/workers/heartbeat/"

log = structlog.get_logger(__name__)


class Heartbeat:
    """Posts signed reports. If the web does not answer, it is tried again and the failure is logged once."""

    def __init__(self, web_url: str, secret: str, report: Callable[[], Mapping[str, Any]]) -> None:
        self._url = web_url + PATH
        self._secret = secret
        self._report = report
        self._answered: bool | None = None
        self._heard = False

    async def run(self) -> None:
        """Posts reports until cancelled."""
        async with self._client() as client:
            while True:
                await self._beat(client)
                await asyncio.sleep(INTERVAL_SEC if self._heard else FIRST_INTERVAL_SEC)

    async def once(self) -> None:
        """Posts a single report because the state has just changed."""
        async with self._client() as client:
            await self._beat(client)

    def _client(self) -> httpx.AsyncClient:
        # a proxy from the environment must not stand between the two sides of one installation
        return httpx.AsyncClient(timeout=TIMEOUT_SEC, trust_env=False)

    async def _beat(self, client: httpx.AsyncClient) -> None:
        try:
            response = await client.post(self._url, content=sign(HEARTBEAT, dict(self._report()), self._secret))
            problem = "" if response.is_success else f"answered {response.status_code}"
        except httpx.HTTPError as error:
            problem = type(error).__name__
        if problem and self._answered is not False:
            log.warning("heartbeat refused", url=self._url, problem=problem)
        elif not problem and not self._answered:
            log.info("heartbeat heard", url=self._url)
        self._answered = not problem
        self._heard = self._heard or self._answered
