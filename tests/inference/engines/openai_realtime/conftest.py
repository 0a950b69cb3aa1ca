"""A server of each dialect, and an engine that is connected to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from inference.engines.openai_realtime.engine import OpenAIRealtimeEngine
from tests.inference.engines.openai_realtime.talking import DIALECTS, engine_for
from tests.realtime_server import RealtimeServer


@pytest.fixture(params=DIALECTS)
def server(request: pytest.FixtureRequest) -> Iterator[RealtimeServer]:
    with RealtimeServer(request.param) as server:
        yield server


@pytest.fixture
def engine(server: RealtimeServer) -> Iterator[OpenAIRealtimeEngine]:
    with engine_for(server) as engine:
        yield engine
