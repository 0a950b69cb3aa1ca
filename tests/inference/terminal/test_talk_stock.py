"""The terminal client against the stock Moshi server, really running the tiny checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from inference.contract.audio import FRAME_SAMPLES
from tests.inference.terminal.terminal import read_answer, start, talk, write_question
from tests.moshi_checkpoint import tiny_checkpoint
from tests.stock_server import StockServer

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StockServer]:
    log = tmp_path_factory.mktemp("stock") / "server.log"
    with StockServer(tiny_checkpoint() / "config.json", log) as server:
        yield server


async def test_talk_with_a_stock_server(stock: StockServer, tmp_path: Path) -> None:
    question, answer = write_question(tmp_path, frames=30), tmp_path / "answer.wav"
    over = await talk(stock.url, "--in", question, "--out", answer, "--after", "0", "--fast")
    assert over.status == 0
    assert len(over.words.strip()) > 10
    heard = read_answer(answer)
    assert len(heard) == 29 * FRAME_SAMPLES  # it answers the first frame with nothing
    assert np.abs(heard).max() > 0.001


async def test_second_client_is_told_that_the_server_is_busy(stock: StockServer, tmp_path: Path) -> None:
    question = write_question(tmp_path, frames=30)
    first = await start(stock.url, "--in", question, "--after", "600")
    await first.note()
    second = await start(stock.url, "--in", question, "--after", "0", "--fast")
    note = await second.note()
    first.process.terminate()
    assert (await first.ended()).status == 0
    assert note == "The server has not started yet; it may be talking with somebody else. Waiting ...\n"
    assert (await second.ended()).status == 0


async def test_engines_and_voices_are_not_the_stock_servers(stock: StockServer, tmp_path: Path) -> None:
    over = await talk(stock.url, "--in", write_question(tmp_path), "--voice", "higher")
    assert over.status == 4
    assert over.notes.startswith("This server is not an inference worker of Hear Me Out")
