"""An engine is added by its file and its catalogue line: everything else finds it."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import partial
from typing import cast

import numpy as np
import pytest

from inference.contract.audio import FRAME_SAMPLES
from inference.contract.catalog import ENGINES, Entry, check_options, engine_class
from inference.contract.settings import ROOT
from inference.contract.wire import Kind
from inference.engines.base import SlotConfig
from inference.worker.__main__ import Worker
from inference.worker.settings import read_settings
from studies.errors import ProtocolError
from studies.protocol.reading.document import parse
from tests.inference.engines.toy import LINE
from tests.inference.running import NOWHERE, SECRET, next_event, next_frames, open_take, say
from tests.studies.participant.visitor import Visitor, open_new_study
from tests.studies.protocol.documents import explore

# what looks at all engines of the catalogue
FINDERS = (
    "tests/inference/engines/test_contract.py",
    "tests/inference/contract/test_options.py",
    "tests/hearmeout_site/test_messages.py",
    "tests/docs/test_settings.py",
)


@pytest.fixture(autouse=True)
def line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(cast("dict[str, Entry]", ENGINES), "toy", LINE)


def test_tests_of_the_catalogue_find_it_and_need_no_second_edit() -> None:
    chosen = "toy or test_options or everything_said or no_longer_said or test_settings"
    command = [sys.executable, "-m", "pytest", "-p", "tests.inference.engines.toy", "-p", "no:cacheprovider", "-rA"]
    done = subprocess.run([*command, "-k", chosen, *FINDERS], cwd=ROOT, capture_output=True, text=True)
    passed = re.findall(r"^PASSED (\S+)", done.stdout, re.MULTILINE)
    assert done.returncode == 0, done.stdout[-3_000:]
    of_the_contract = [test for test in passed if "test_contract.py" in test and "[toy]" in test]
    assert len(of_the_contract) == 11
    assert any("test_everything_said_is_translated[sv-django]" in test for test in passed)


def test_study_may_ask_for_it_and_its_options_are_checked() -> None:
    assert [str(error.name) for error in check_options("toy", {"gain": 2.0, "volume": 1})] == ["gain", "volume"]
    document = explore()
    document["offer"]["engines"] = [{"engine": "toy", "options": {"gain": 0.25}}]
    protocol = parse(document)
    assert protocol.offer is not None
    assert protocol.offer.engines[0].options == {"gain": 0.25}
    document["offer"]["engines"][0]["options"] = {"gain": 2.0}
    with pytest.raises(ProtocolError) as refused:
        parse(document)
    assert [problem.path for problem in refused.value.problems] == ["offer.engines[0].options.gain"]


@pytest.mark.django_db
def test_page_offers_it_in_its_english_words() -> None:
    document = explore()
    document["offer"]["engines"].append({"engine": "toy"})
    open_new_study(document)
    page = Visitor().to_talk().response
    assert [card.key for card in page.context["offered"].engines] == ["cascade", "toy"]
    assert LINE.about in page.content.decode()


async def test_worker_serves_it() -> None:
    environ = {"WORKER_SECRET": SECRET, "WORKER_ENGINES": "toy", "WORKER_PORT": "0", "WEB_URL": NOWHERE}
    settings = read_settings(environ)
    worker = Worker(settings, {name: partial(engine_class(name), 1, environ) for name in settings.engines}, ("none",))
    await worker.start()
    try:
        slot = await open_take(worker, engine="toy", options={"gain": 0.25})
        await next_event(slot, "live")
        await say(slot, 0, 1)
        heard, answered = await next_frames(slot, Kind.HEARD, 1), await next_frames(slot, Kind.AGENT, 2)
    finally:
        await worker.stop()
    said = np.frombuffer(heard[0].pcm, "<i2").astype(float)
    back = np.frombuffer(answered[1].pcm, "<i2").astype(float)
    assert said.std() > 1_000
    np.testing.assert_allclose(back, said * 0.25, atol=1)


def test_options_are_the_same_on_both_sides() -> None:
    engine = engine_class("toy")(1, {})
    engine.open(0, SlotConfig(options={"gain": 1.0}))
    frame = np.full(FRAME_SAMPLES, 0.1, np.float32)
    engine.step({0: frame})
    np.testing.assert_array_equal(engine.step({0: frame})[0].pcm, frame)
