"""Asks a process over HTTP whether it is well, and ends one that hangs."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

PATH = "/healthz"
ASK_EVERY_SEC = 2.0
WRITE_WITHIN_SEC = 5.0  # how long a process that hangs may take to write where it stands


def health_status(url: str) -> int | None:
    """200 while people can talk, 503 while something is missing, None while the site does not answer."""
    try:
        return _ask(url, within_sec=2)
    except (OSError, HTTPException):
        return None


def hangs(url: str, within_sec: float) -> bool:
    """Whether somebody is there and says nothing. Nobody there, or any answer, is no hanging."""
    try:
        _ask(url, within_sec)
    except TimeoutError:
        return True
    except URLError as error:
        return isinstance(error.reason, TimeoutError)  # its backlog is full
    except (OSError, HTTPException):
        return False
    return False


async def end_if_it_hangs(
    url: str, within_sec: float, process: Callable[[], asyncio.subprocess.Process | None], say: Callable[[str], None]
) -> None:
    """Ends whichever `process` is there, once it has answered and then does not for `within_sec`.

    Its stack goes to its output: SIGABRT makes Python write that (`-X faulthandler`), whatever it is doing."""
    answered: asyncio.subprocess.Process | None = None
    while True:
        await asyncio.sleep(ASK_EVERY_SEC)
        asked = process()
        if asked is None or asked.returncode is not None:
            continue
        if answered is not asked:  # it may be loading
            if await asyncio.to_thread(health_status, url) is not None and process() is asked:
                answered = asked
            continue
        if not await asyncio.to_thread(hangs, url, within_sec) or process() is not asked:
            continue
        say(f"has not answered for {within_sec:g} s; ending it. This is where it stands:")
        with suppress(ProcessLookupError):
            asked.send_signal(signal.SIGABRT)
        try:
            await asyncio.wait_for(asked.wait(), WRITE_WITHIN_SEC)
        except TimeoutError:
            with suppress(ProcessLookupError):
                asked.kill()


def _ask(url: str, within_sec: float) -> int:
    try:
        with urlopen(url + PATH, timeout=within_sec) as response:  # noqa: S310 - our own address
            return int(response.status)
    except HTTPError as error:
        return error.code
