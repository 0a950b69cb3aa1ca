"""Steps an engine of remote conversations until something has happened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from inference.contract.audio import FRAME_SAMPLES, Float32
from inference.engines.base import Engine, StepOutput

LIMIT_SEC = 20.0
PACE_SEC = 0.004  # twenty times faster than life
SILENT_FRAME: Float32 = np.zeros(FRAME_SAMPLES, np.float32)


def framed(pcm: Float32) -> list[Float32]:
    """float32 [n] -> whole frames, the last one filled with silence."""
    padded = np.pad(pcm, (0, -len(pcm) % FRAME_SAMPLES))
    return list(padded.reshape(-1, FRAME_SAMPLES))


def step_until(
    engine: Engine,
    condition: Callable[[list[StepOutput]], bool],
    frames: Iterable[Float32] = (),
    *,
    slot: int = 0,
    pace_sec: float = PACE_SEC,
) -> list[StepOutput]:
    """Says `frames`, then silence, until `condition` holds for what came back."""
    deadline = time.monotonic() + LIMIT_SEC
    said = iter(frames)
    outputs: list[StepOutput] = []
    while not condition(outputs):
        assert time.monotonic() < deadline, "it did not happen"
        outputs.append(engine.step({slot: next(said, SILENT_FRAME)})[slot])
        time.sleep(pace_sec)
    return outputs


def failure(engine: Engine, slot: int = 0) -> Exception:
    """Steps until the slot has failed, and says why."""
    step_until(engine, lambda _: slot in engine.failed, slot=slot)
    return engine.failed.pop(slot)


def sound(outputs: Sequence[StepOutput]) -> Float32:
    return np.concatenate([output.pcm for output in outputs]) if outputs else np.zeros(0, np.float32)


def sounding(outputs: Sequence[StepOutput], level: float = 0.02) -> int:
    """How many frames are loud."""
    return sum(float(np.abs(output.pcm).max()) > level for output in outputs)


def events(outputs: Sequence[StepOutput], name: str) -> list[dict[str, Any]]:
    return [dict(event.data) for output in outputs for event in output.events if event.event == name]
