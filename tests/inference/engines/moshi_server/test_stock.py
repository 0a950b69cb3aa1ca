"""Against the stock `python -m moshi.server`, really running the tiny checkpoint on CPU."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from inference.contract.errors import RemoteLost
from inference.engines.base import SlotConfig
from inference.engines.moshi_server.engine import MoshiServerEngine
from tests.inference.engines.remote.driving import events, failure, framed, sounding, step_until
from tests.moshi_checkpoint import tiny_checkpoint
from tests.signals import vowel
from tests.stock_server import StockServer

pytestmark = pytest.mark.slow

SPEECH = framed(vowel(140.0, 20.0))
PACE_SEC = 0.04  # twice as fast as life: the server keeps up with it


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StockServer]:
    log: Path = tmp_path_factory.mktemp("stock") / "log"
    with StockServer(tiny_checkpoint() / "config.json", log, greedy=False) as server:
        yield server


def engine_for(server: StockServer, **settings: str) -> MoshiServerEngine:
    engine = MoshiServerEngine(None, {"MOSHI_SERVER_URLS": server.url, **settings})
    engine.warm_up()
    return engine


def test_talk_one_after_the_other(server: StockServer) -> None:
    engine = engine_for(server)
    try:
        for _ in range(2):
            engine.open(0, SlotConfig())
            outputs = step_until(
                engine,
                lambda outputs: sounding(outputs) >= 20 and len(events(outputs, "words")) >= 3,
                SPEECH,
                pace_sec=PACE_SEC,
            )
            engine.close(0)
            words = events(outputs, "words")
            starts = [word["start_ms"] for word in words]
            assert starts == sorted(starts)
            assert all(0 <= word["start_ms"] < word["end_ms"] <= 80 * len(outputs) for word in words)
            assert engine.failed == {}
        assert engine.counts["dropped_uplink_frames"] == 0
    finally:
        engine.shut_down()


def test_second_person_finds_it_busy(server: StockServer) -> None:
    talking, calling = engine_for(server), engine_for(server, MOSHI_SERVER_HANDSHAKE_SEC="3")
    try:
        talking.open(0, SlotConfig())
        step_until(talking, lambda outputs: sounding(outputs) >= 3, SPEECH, pace_sec=PACE_SEC)
        calling.open(0, SlotConfig())
        error = failure(calling)
        assert isinstance(error, RemoteLost)
        assert error.reason.startswith("busy: it accepted the call but did not begin within 3 s")
        step_until(talking, lambda outputs: sounding(outputs) >= 3, SPEECH, pace_sec=PACE_SEC)
        assert talking.failed == {}
    finally:
        calling.shut_down()
        talking.shut_down()


def test_killed_server_ends_the_slot(server: StockServer) -> None:
    """The last one: there is no server afterwards."""
    engine = engine_for(server)
    engine.open(0, SlotConfig())
    step_until(engine, lambda outputs: sounding(outputs) >= 3, SPEECH, pace_sec=PACE_SEC)
    server.__exit__()
    error = failure(engine)
    engine.shut_down()
    assert isinstance(error, RemoteLost)
    assert error.reason == "the connection broke"
