"""The same words after a laugh and after a sigh, said to the local engine through the terminal client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import soundfile

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from inference.engines.cascade.engine import CascadeEngine
from inference.worker.__main__ import Worker
from inference.worker.settings import WorkerSettings
from tests.inference.engines.cascade.conftest import MODELS_DIR
from tests.inference.running import NOWHERE, SECRET
from tests.inference.terminal.terminal import Ended, talk
from tests.sighing_and_laughing import after_a_laugh, after_a_sigh

pytestmark = [pytest.mark.engine, pytest.mark.slow]

WORDS = "My cake fell on the floor."
PERSONA = "You are a friend on the phone. Answer in one or two short sentences."


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    settings = WorkerSettings(worker_secret=SECRET, port=0, web_url=NOWHERE, engines=("cascade",), slots=1)
    worker = Worker(settings, {"cascade": partial(CascadeEngine, 1, {"MODELS_DIR": MODELS_DIR})}, ("none",))
    await worker.start()
    yield worker
    await worker.stop()


async def said(worker: Worker, engine: str, question: Float32, folder: Path) -> Ended:
    file = folder / "question.wav"
    soundfile.write(file, question, SAMPLE_RATE_HZ, subtype="PCM_16")
    arguments = ("--engine", engine, "--text-prompt", PERSONA, "--seed", "7", "--in", file, "--after", "25")
    over = await talk(worker.address, *arguments, secret=SECRET)
    assert over.status == 0
    assert f"(you: {WORDS})" in over.notes
    return over


async def test_told_machine_answers_a_laugh_and_a_sigh_differently_and_the_control_alike(
    worker: Worker, tmp_path: Path
) -> None:
    laughed, sighed = after_a_laugh(WORDS), after_a_sigh(WORDS)
    told = [await said(worker, "cascade_voice", question, tmp_path) for question in (laughed, sighed)]
    control = [await said(worker, "cascade", question, tmp_path) for question in (laughed, sighed)]
    assert "(it noticed: laughing)" in told[0].notes
    assert "(it noticed: sighing)" in told[1].notes
    assert [over.words.split("! ")[0].split(". ")[0] for over in told] == ["Ha ha", "Oh dear"]
    assert control[0].words == control[1].words != ""
    assert not any("it noticed" in over.notes for over in control)
