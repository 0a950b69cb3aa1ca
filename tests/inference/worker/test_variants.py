"""Names of the catalogue that an engine serves besides its own, with some of its options fixed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, cast

import pytest

from inference.contract.catalog import ENGINES, Entry, served_by, variants_of
from inference.contract.errors import OptionError
from inference.engines.base import SlotConfig
from inference.engines.echo import EchoEngine
from tests.inference.running import end, next_event, open_take, running_worker, say

FIXED = {"hears": ["words", "voice"]}


class OptionEngine(EchoEngine):
    """Echoes, and keeps the options that it was opened with."""

    made: ClassVar[list[OptionEngine]] = []

    def __init__(self, slots: int | None, settings: Mapping[str, str]) -> None:
        super().__init__(slots, settings)
        self.opened: list[Mapping[str, Any]] = []
        self.ended = 0
        self.made.append(self)

    def check(self, config: SlotConfig) -> None:
        if "wrong" in config.options:
            raise OptionError("wrong", config.options["wrong"], "something else")

    def open(self, slot: int, config: SlotConfig) -> None:
        super().open(slot, config)
        self.opened.append(config.options)

    def shut_down(self) -> None:
        self.ended += 1


@pytest.fixture(autouse=True)
def _variant(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = Entry("Echo, told", "inference.engines.echo:EchoEngine", "", variant_of="echo", fixed=FIXED)
    monkeypatch.setitem(cast("dict[str, Entry]", ENGINES), "echo_told", entry)
    OptionEngine.made.clear()


def test_engine_to_load_is_the_one_that_serves() -> None:
    assert [served_by(name) for name in ("echo_told", "echo", "unknown")] == ["echo", "echo", "unknown"]
    assert variants_of("echo") == ("echo_told",)


async def test_variant_is_served_by_the_engine_that_is_loaded() -> None:
    async with running_worker(OptionEngine) as worker:
        told, plain = await open_take(worker, "told", engine="echo_told"), await open_take(worker, "plain")
        live = [await next_event(slot, "live") for slot in (told, plain)]
        for slot in (told, plain):
            await say(slot, *range(3))
        spoken = [await end(slot) for slot in (told, plain)]
        assert worker.takes.table.slots == EchoEngine.DEFAULT_SLOTS
    (engine,) = OptionEngine.made
    assert engine.opened == [FIXED, {}]
    assert engine.ended == 1
    assert [fields["engine"] for fields in live] == ["echo_told", "echo"]
    assert live[0]["snapshot"] == live[1]["snapshot"] | {"name": "echo_told", "fixed_options": FIXED}
    assert len(spoken[0]) == len(spoken[1])


async def test_worker_reports_the_variant_as_an_engine() -> None:
    async with running_worker(OptionEngine) as worker:
        assert list(worker.report()["engines"]) == ["echo", "echo_told"]


async def test_options_of_a_study_are_checked_with_those_that_are_fixed() -> None:
    async with running_worker(OptionEngine) as worker:
        with pytest.raises(OptionError):
            await open_take(worker, engine="echo_told", options={"wrong": 1})
        slot = await open_take(worker, engine="echo_told", options={"gain": 2})
        await next_event(slot, "live")
        await end(slot)
    assert OptionEngine.made[0].opened == [{**FIXED, "gain": 2}]


async def test_fixed_options_cannot_be_changed() -> None:
    async with running_worker(OptionEngine) as worker:
        with pytest.raises(OptionError) as refused:
            await open_take(worker, engine="echo_told", options={"hears": ["words"]})
    assert (refused.value.name, refused.value.value) == ("hears", ["words"])
