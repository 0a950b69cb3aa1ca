"""The product under attack: a stack with the echo engine, people who may do different things, and secrets to find."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import httpx

from tests.e2e.stack import Stack

PATIENCE_SEC: Final = 30.0  # no answer is worth a longer wait
ALIVE_WITHIN_SEC: Final = 60.0
HOST: Final = "127.0.0.1"


@dataclass
class Target:
    """`seeded` is what tests.attack.seed left; `chance` makes a run repeatable."""

    stack: Stack
    chance: random.Random

    @property
    def url(self) -> str:
        return self.stack.url

    @cached_property
    def seeded(self) -> dict[str, Any]:
        found: dict[str, Any] = self.stack.script("tests.attack.seed")
        return found

    def role(self, name: str) -> httpx.Client:
        """A browser of somebody: `anonymous`, or an account that was seeded, signed in by its cookie."""
        http = httpx.Client(base_url=self.url, timeout=PATIENCE_SEC, headers={"Referer": self.url, "Origin": self.url})
        if name != "anonymous":
            http.cookies.set("sessionid", self.seeded["accounts"][name], domain=HOST)
        return http

    def sessions(self, how_many: int, trials: int = 1) -> list[str]:
        """Links of new sessions past consent and device check, with so many talks before them."""
        tokens: list[str] = self.stack.script("tests.e2e.seed", trials=trials, engine="echo", sessions=how_many)
        return tokens

    async def alive(self) -> bool:
        """Whether the web and a worker answer, given some time to come back."""
        deadline = time.monotonic() + ALIVE_WITHIN_SEC
        async with httpx.AsyncClient(base_url=self.url, timeout=2) as http:
            while time.monotonic() < deadline:
                try:
                    if (await http.get("/healthz")).status_code == 200:
                        return True
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.2)
        return False


def csrf(http: httpx.Client) -> str:
    """The cookie that forms carry; an own one where the server has set none, which it takes as well."""
    found = [cookie.value for cookie in http.cookies.jar if cookie.name == "csrftoken"]
    if not found:
        http.cookies.set("csrftoken", "a" * 32, domain=HOST)
    return (found or ["a" * 32])[-1] or ""


def posted(http: httpx.Client, path: str, **sent: Any) -> httpx.Response:
    """A POST that comes to the view and not only to the check of its cookie."""
    return http.post(path, headers={"X-CSRFToken": csrf(http)}, **sent)
