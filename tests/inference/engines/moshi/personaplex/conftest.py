"""A checkpoint of PersonaPlex's shape, and batches whose rows can be told its prompts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from inference.contract.audio import Float32
from inference.contract.options.moshi import Sampling
from inference.engines.base import SlotConfig
from inference.engines.moshi import tiny
from inference.engines.moshi.batch import Batch, Stepped
from inference.engines.moshi.checkpoint import load
from inference.engines.moshi.personaplex.tiny import RECORDED_VOICE, SAVED_VOICE
from inference.engines.moshi.prompts.persona import PersonaPlexPrompting
from inference.engines.moshi.source import MoshiSettings

GREEDY = Sampling(temperature=0.0, text_temperature=0.0)
PERSONAS = {
    "saved": SlotConfig("bado ke fina. goro mu", SAVED_VOICE),
    "recorded": SlotConfig("zeta lo mi", RECORDED_VOICE),
    "text alone": SlotConfig("dada goro mi"),
    "voice alone": SlotConfig("", SAVED_VOICE),
    "nothing": SlotConfig(),
}
_made = tempfile.TemporaryDirectory(prefix="hearmeout-personaplex-")


@cache
def checkpoint_folder() -> Path:
    """Nobody may change it: copy it for that."""
    folder = Path(_made.name) / "tiny"
    tiny.make_personaplex(folder)
    return folder


class Told:
    """A batch and what tells its rows their prompts, stepped as the engine does."""

    def __init__(self, rows: int) -> None:
        loaded = load(rows, MoshiSettings(checkpoint=str(checkpoint_folder()), device="cpu"))
        self.lm: Any = loaded.lm
        self.batch = Batch(loaded.mimi, loaded.lm, rows)
        prompting = loaded.prompting(self.batch)
        assert isinstance(prompting, PersonaPlexPrompting)
        self.prompting = prompting

    def open(self, row: int, config: SlotConfig, sampling: Sampling = GREEDY, seed: int = 0) -> None:
        self.close(row)
        self.batch.start(row, sampling, seed)
        self.prompting.begin(row, config)

    def close(self, row: int) -> None:
        self.prompting.forget(row)
        self.batch.wipe(row)

    def step(self, frames: dict[int, Float32]) -> dict[int, Stepped]:
        """Those of the rows that are ready."""
        ready = self.prompting.ready(frames)
        return self.batch.step({row: frame for row, frame in frames.items() if row in ready})

    def converse(self, row: int, heard: Float32) -> tuple[np.ndarray[Any, Any], Float32]:
        """(tokens, pcm) of an opened row, from the step on in which it is ready."""
        while not self.prompting.ready([row]):
            pass
        steps = [self.batch.step({row: frame})[row] for frame in heard]
        assert all(step.healthy for step in steps)
        return np.stack([step.tokens for step in steps if step.tokens is not None]), np.stack(
            [step.pcm for step in steps if step.pcm is not None]
        )


@pytest.fixture(scope="session")
def three_rows() -> Told:
    return Told(3)


@pytest.fixture
def told(three_rows: Told) -> Iterator[Told]:
    """Three clean rows, shared with other tests; nothing is kept of what they were told."""
    yield three_rows
    for row in range(three_rows.batch.rows):
        three_rows.close(row)
    three_rows.prompting._kept.clear()
