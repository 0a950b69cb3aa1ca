"""What an engine needs of its surroundings here: settings, and for an engine whose model is elsewhere a server."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager

from tests.chat_server import ChatServer
from tests.moshi_checkpoint import tiny_checkpoint
from tests.realtime_server import RealtimeServer


@contextmanager
def _moshi_server() -> Iterator[dict[str, str]]:
    """For two people, over one server."""
    with ChatServer(slots=2) as server:
        yield {"MOSHI_SERVER_URLS": f"{server.url};slots=2"}


@contextmanager
def _openai_realtime() -> Iterator[dict[str, str]]:
    with RealtimeServer(talks=True) as server:
        yield {"OPENAI_REALTIME_URL": server.url}


REMOTE: Mapping[str, Callable[[], AbstractContextManager[dict[str, str]]]] = {
    "moshi_server": _moshi_server,
    "openai_realtime": _openai_realtime,
}


@contextmanager
def settings_for(engine: str) -> Iterator[dict[str, str]]:
    """Nothing for an engine that has all it needs."""
    if engine == "moshi":
        yield {"MOSHI_CHECKPOINT": str(tiny_checkpoint()), "MOSHI_DEVICE": "cpu"}
        return
    if engine not in REMOTE:
        yield {}
        return
    with REMOTE[engine]() as settings:
        yield settings
