"""Many conversations through the rows of one batch: joining late, leaving early, missing frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from inference.contract.audio import Float32
from inference.contract.options.moshi import Sampling
from inference.engines.moshi.batch import Batch, Stepped
from inference.engines.moshi.checkpoint import load
from inference.engines.moshi.source import MoshiSettings
from tests.inference.engines.moshi.stock import Said
from tests.moshi_checkpoint import tiny_checkpoint

GREEDY = Sampling(temperature=0.0, text_temperature=0.0)


def new_batch(rows: int) -> Batch:
    """Of models of its own: streaming states live in the modules."""
    loaded = load(rows, MoshiSettings(checkpoint=str(tiny_checkpoint()), device="cpu"))
    return Batch(loaded.mimi, loaded.lm, rows)


@dataclass
class Talk:
    """Joins at the first tick from `joins` on at which a row is free; `row` is the one it got, or must get."""

    frames: Float32
    joins: int = 0
    sampling: Sampling = GREEDY
    seed: int = 0
    row: int | None = None
    steps: list[Stepped] = field(default_factory=list)

    @property
    def said(self) -> Said:
        spoken = [step for step in self.steps if step.tokens is not None and step.pcm is not None]
        return Said(
            np.stack([s.tokens for s in spoken if s.tokens is not None]),
            np.stack([s.pcm for s in spoken if s.pcm is not None]),
        )


def talk_all(batch: Batch, talks: Mapping[str, Talk], *, late: float = 0.0, seed: int = 0) -> None:
    """Runs all to their ends. With probability `late` a row's frame is not there in time for a tick."""
    random = np.random.default_rng(seed)
    free = list(range(batch.rows))
    waiting = dict(talks)
    live: dict[int, Talk] = {}
    tick = 0
    while waiting or live:
        for name, talk in list(waiting.items()):
            if talk.joins <= tick and free and (talk.row is None or talk.row in free):
                talk.row = free.pop(0) if talk.row is None else free.pop(free.index(talk.row))
                batch.start(talk.row, talk.sampling, talk.seed)
                live[talk.row] = waiting.pop(name)
        frames = {row: talk.frames[len(talk.steps)] for row, talk in live.items() if random.random() >= late}
        for row, step in batch.step(frames).items():
            live[row].steps.append(step)
        for row, talk in list(live.items()):
            if len(talk.steps) == len(talk.frames):
                batch.wipe(row)
                free.append(row)
                del live[row]
        tick += 1
