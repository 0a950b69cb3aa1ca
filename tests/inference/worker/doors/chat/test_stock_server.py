"""Beside the stock Moshi server, really running: the same Opus bytes get the same answer from a greedy model."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from inference.contract.audio import FRAME_SAMPLES, Float32
from inference.contract.wire import Kind
from inference.engines.moshi.engine import MoshiEngine
from inference.worker.__main__ import Worker
from inference.worker.settings import WorkerSettings
from tests.inference.running import NOWHERE, SECRET
from tests.inference.worker.doors.chat.stock import RawClient, opus_messages, stock_client
from tests.moshi_checkpoint import tiny_checkpoint
from tests.stock_server import StockServer

pytestmark = pytest.mark.slow

FRAMES = 40
SAMPLED = "?seed=1&audio_temperature=0.8&text_temperature=0.7"
LAST_WORD_SEC = 0.5  # what a server says after the last sound, it says at once


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """config.json of a tiny Moshi that always says the likeliest, whoever serves it."""
    config = json.loads((tiny_checkpoint() / "config.json").read_text())
    file = tmp_path_factory.mktemp("greedy") / "config.json"
    file.write_text(json.dumps({**config, "lm_gen_config": {"use_sampling": False}}))
    return file


@pytest.fixture(scope="module")
def stock(checkpoint: Path) -> Iterator[StockServer]:
    with StockServer(checkpoint, checkpoint.parent / "server.log", greedy=False) as server:
        yield server


async def moshi_worker(checkpoint: Path, slots: int) -> Worker:
    settings = WorkerSettings(
        worker_secret=SECRET, port=0, web_url=NOWHERE, engines=("moshi",), slots=slots, chat="open"
    )
    environ = {"MOSHI_CHECKPOINT": str(checkpoint), "MOSHI_DEVICE": "cpu"}
    worker = Worker(settings, {"moshi": partial(MoshiEngine, slots, environ)}, ("none",))
    await worker.start()
    return worker


def voice(pitch_hz: float) -> Float32:
    """A vibrato."""
    seconds = np.arange(FRAMES * FRAME_SAMPLES) / 24_000
    return np.asarray(0.3 * np.sin(2 * np.pi * pitch_hz * seconds + 2 * np.sin(4 * np.pi * seconds)), np.float32)


async def answer(address: str, query: str, said: list[bytes], frames: int) -> RawClient:
    """What `said` is answered with."""
    client = await RawClient.open(address, query)
    for message in said:
        await client.socket.send(message)
    await client.hear(frames)
    with suppress(TimeoutError):
        async with asyncio.timeout(LAST_WORD_SEC):
            await client.receive_until(Kind.ERROR)
    await client.socket.close()
    return client


def readable(text: str) -> str:
    """Without the control pieces that a model with random weights utters."""
    return re.sub(r"<[^>]*>", "", text).strip()


async def test_greedy_answer_is_that_of_the_stock_server_in_company(stock: StockServer, checkpoint: Path) -> None:
    """Two of them at once, and a third that draws its tokens."""
    said = [opus_messages(voice(pitch_hz)) for pitch_hz in (220, 310)]
    expected = [await answer(stock.url, "", messages, FRAMES - 1) for messages in said]
    worker = await moshi_worker(checkpoint, slots=3)
    try:
        neighbour = answer(worker.address, SAMPLED, opus_messages(voice(150)), FRAMES)
        *answers, _ = await asyncio.gather(
            *(answer(worker.address, "", messages, FRAMES) for messages in said), neighbour
        )
    finally:
        await worker.stop()
    for theirs, ours in zip(expected, answers, strict=True):
        assert len(readable(ours.text)) > 10
        # a word is told once it is complete, so the last one may be missing
        assert readable(theirs.text).startswith(readable(ours.text))
        assert len(readable(theirs.text)) - len(readable(ours.text)) < 20
        # the first frame is silence where the stock server says nothing; both come through a codec
        length = (FRAMES - 1) * FRAME_SAMPLES
        assert np.corrcoef(ours.heard[FRAME_SAMPLES:], theirs.heard[:length])[0, 1] > 0.7


async def test_stock_client_reads_the_same_from_both(
    stock: StockServer, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_enough(played: Float32, printed: str) -> bool:
        return len(readable(printed)) > 12 and bool(np.any(played))

    worker = await moshi_worker(checkpoint, slots=1)
    try:
        theirs, ours = [
            readable((await stock_client(monkeypatch, address, voice(220), is_enough))[1])
            for address in (stock.url, worker.address)
        ]
    finally:
        await worker.stop()
    length = min(len(ours), len(theirs))
    assert length > 10
    assert ours[:length] == theirs[:length]
