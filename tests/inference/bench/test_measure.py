"""What the benchmark does with an engine; never how long it takes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from inference.bench import measure as module
from inference.bench.__main__ import largest_in_time, to_json, to_markdown
from inference.bench.measure import LEVEL, Measurement, measure, speech
from inference.contract.audio import FRAME_SAMPLES, Float32
from inference.contract.catalog import ENGINES, Entry
from inference.contract.errors import EngineUnavailable, OptionError
from inference.engines.base import SlotConfig, StepOutput
from inference.engines.echo import EchoEngine
from inference.engines.moshi.memory import memory_model

SECONDS = 0.24  # three steps


class Recorded(EchoEngine):
    """An echo that remembers what was asked of it, fails row 1 in its second step and knows a memory model."""

    last: Recorded

    def __init__(self, slots: int | None, settings: Mapping[str, str]) -> None:
        super().__init__(slots, settings)
        self.memory = memory_model(None)
        self.seeds: list[int] = []
        self.stepped: list[tuple[int, ...]] = []
        self.open_rows: set[int] = set()
        Recorded.last = self

    def open(self, slot: int, config: SlotConfig) -> None:
        super().open(slot, config)
        self.seeds.append(config.seed)
        self.open_rows.add(slot)

    def step(self, frames: Mapping[int, Float32]) -> dict[int, StepOutput]:
        self.stepped.append(tuple(frames))
        if len(self.stepped) == 2:
            self.failed[1] = ValueError("row 1 is done for")
        return super().step(frames)

    def close(self, slot: int) -> None:
        super().close(slot)
        self.open_rows.discard(slot)


class Small(EchoEngine):
    """Carries one conversation, whatever is asked."""

    def __init__(self, slots: int | None, settings: Mapping[str, str]) -> None:
        super().__init__(1, settings)


class NeedsTorch(EchoEngine):
    def warm_up(self) -> None:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")


@pytest.fixture(autouse=True)
def engines_of_this_test(monkeypatch: pytest.MonkeyPatch) -> None:
    for engine in (Recorded, Small, NeedsTorch):
        monkeypatch.setitem(dict_of(ENGINES), engine.__name__, Entry("", f"{__name__}:{engine.__name__}", ""))


def dict_of(mapping: Mapping[str, Entry]) -> dict[str, Entry]:
    assert isinstance(mapping, dict)
    return mapping


def test_speech_is_the_same_for_a_seed_and_another_for_another() -> None:
    one, again, other = speech(1, 48_000), speech(1, 48_000), speech(2, 48_000)
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one, other)
    assert float(np.sqrt(np.mean(one**2))) == pytest.approx(LEVEL, rel=0.1)


def test_every_row_is_opened_stepped_and_closed_in_both_runs() -> None:
    found = measure("Recorded", 3, {}, seconds=SECONDS, config=SlotConfig(seed=7))
    assert Recorded.last.seeds == [7, 8, 9, 7, 8, 9]
    assert Recorded.last.open_rows == set()
    assert Recorded.last.stepped == [(0, 1, 2), (0, 1, 2), (0, 2), (0, 1, 2), (0, 1, 2), (0, 1, 2)]
    assert (found.paced.steps, found.flat_out.steps) == (3, 3)
    assert (found.slots, found.engine) == (3, "Recorded")


def test_the_model_stands_beside_the_measurement() -> None:
    found = measure("Recorded", 2, {}, seconds=SECONDS, bandwidth=3.35e12)
    model = memory_model(None)
    assert found.model_memory_bytes == model.bytes_for(2, reserve_bytes=0)
    assert found.model_step_ms == model.step_ms(2, 3.35e12)
    assert found.memory_bytes > 0


def test_without_a_known_bandwidth_there_is_no_bound() -> None:
    assert measure("Recorded", 1, {}, seconds=SECONDS).model_step_ms is None


def test_an_engine_that_carries_fewer_slots_is_refused() -> None:
    with pytest.raises(EngineUnavailable, match="carries 1 slots, not 4"):
        measure("Small", 4, {}, seconds=SECONDS)


def test_a_missing_package_is_named_with_the_remedy() -> None:
    with pytest.raises(EngineUnavailable, match=r"the package torch is not installed\. Run `make moshi`"):
        measure("NeedsTorch", 1, {}, seconds=SECONDS)


def test_a_prompt_that_the_engine_refuses_is_told() -> None:
    with pytest.raises(OptionError, match="voice_prompt"):
        measure("echo", 1, {}, seconds=SECONDS, config=SlotConfig(voice_prompt="nobody"))


def test_first_audio_is_none_for_an_engine_that_stays_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "speech", lambda seed, samples: np.zeros(samples, np.float32))
    assert measure("echo", 1, {}, seconds=SECONDS).first_audio_ms is None
    monkeypatch.setattr(module, "speech", lambda seed, samples: np.ones(samples, np.float32))
    assert measure("echo", 1, {}, seconds=SECONDS).first_audio_ms is not None


def measured(slots: int, p99_ms: float, **changed: Any) -> Measurement:
    times = module.StepTimes(100, 20.0, 30.0, p99_ms, p99_ms, 2)
    base = Measurement("moshi", "NVIDIA H100", slots, 9.0, 20 * 10**9, 110.4, times, times, 400.0, 0, None, None, {})
    return replace(base, **changed)


def test_the_largest_in_time_is_under_a_frame_and_whole() -> None:
    rows = [measured(8, 40.0), measured(16, 79.9), measured(32, 80.0), measured(24, 50.0, failed_slots=1)]
    assert largest_in_time(rows) == 16
    assert largest_in_time([measured(1, 200.0)]) is None


def test_the_table_has_a_cell_for_every_heading() -> None:
    row = measured(16, 79.9, model_memory_bytes=40_900_000_000, model_step_ms=11.9)
    table = to_markdown([row], [(64, "64 slots would need too much")]).splitlines()
    assert table[0] == "`moshi` on NVIDIA H100, 100 steps at each pace:"
    assert len({line.count("|") for line in table[2:5]}) == 1
    assert table[4] == ("| 16 | 20.0 | 30.0 | 79.9 | 2 | 20.0 | 79.9 | 400 | 20.00 | 110 | 40.90 | 11.9 |")
    assert table[6:] == [
        "Largest number of slots whose p99 stays under 80 ms: **16**.",
        "64 slots: 64 slots would need too much",
    ]


def test_a_device_that_is_too_slow_is_told() -> None:
    assert "too slow for this engine" in to_markdown([measured(1, 200.0)], [])


def test_json_keeps_everything() -> None:
    found = json.loads(to_json([measured(16, 79.9)], [(64, "no room")]))
    assert found["largest_in_time"] == 16
    assert found["measurements"][0]["paced"]["p99_ms"] == 79.9
    assert found["refused"] == [{"slots": 64, "reason": "no room"}]


def test_frames_are_whole_to_the_end_of_the_sound() -> None:
    assert module.HEARD_SEC * 24_000 % FRAME_SAMPLES == 0
