"""An engine with a server to talk to, as the tests of this folder drive them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from inference.contract.audio import Float32, float32_to_pcm16, pcm16_to_float32
from inference.engines.base import SlotConfig, StepOutput
from inference.engines.openai_realtime.engine import OpenAIRealtimeEngine
from tests.inference.engines.remote.driving import events, sounding
from tests.realtime_server import RealtimeServer, Visit

DIALECTS = ("ga", "beta")
KEY = "sk-test-hunter2"


@contextmanager
def engine_for(server: RealtimeServer, **settings: str) -> Iterator[OpenAIRealtimeEngine]:
    """Warmed up, with the server's own visit for that passed over."""
    engine = OpenAIRealtimeEngine(2, {"OPENAI_REALTIME_URL": server.url, **settings})
    try:
        engine.warm_up()
        server.visit()
        yield engine
    finally:
        engine.shut_down()


def begun(
    engine: OpenAIRealtimeEngine, server: RealtimeServer, slot: int = 0, config: SlotConfig | None = None
) -> Visit:
    engine.open(slot, config or SlotConfig())
    return server.visit()


def quantised(pcm: Float32) -> Float32:
    return pcm16_to_float32(float32_to_pcm16(pcm))


def silent_after(outputs: list[StepOutput]) -> bool:
    return sounding(outputs) > 0 and not outputs[-1].pcm.any()


def states(outputs: list[StepOutput]) -> list[tuple[str, int]]:
    return [(event["state"], event["turn"]) for event in events(outputs, "turn")]
