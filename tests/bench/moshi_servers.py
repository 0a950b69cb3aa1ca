"""The two servers of the benchmark, each in a process of its own, on one thread of torch, in float32."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol
from urllib.request import urlopen

import numpy as np
import psutil

from tests.stock_server import ROOT, StockServer

START_SEC: Final = 120.0
SECRET: Final = "a secret of the benchmark, long enough"
HANDLED = re.compile(r"frame handled in ([\d.]+)ms")
STEP = re.compile(r'hearmeout_step_p(\d+)_seconds\{engine="moshi"\} (\S+)')


@dataclass(frozen=True, slots=True)
class StepTimes:
    """Milliseconds."""

    p50: float
    p95: float
    p99: float


class Server(Protocol):
    """`silent` messages of sound come before the model's own; the first `missing` frames get none."""

    url: str
    silent: int
    missing: int

    @property
    def pid(self) -> int: ...

    def begin(self) -> None:
        """What is measured begins now."""

    def step_times(self) -> StepTimes:
        """Of the steps since `begin`."""


class Stock(StockServer):
    """Tells of each frame in its log: encoder, model, decoder, Opus and the sending."""

    silent = 0
    missing = 1

    def __init__(self, config: Path, log: Path) -> None:
        super().__init__(config, log, greedy=False)
        self._begun = 0

    def begin(self) -> None:
        self._begun = len(self._handled())

    def step_times(self) -> StepTimes:
        return _percentiles(self._handled()[self._begun :])

    def _handled(self) -> list[float]:
        return [float(found) for found in HANDLED.findall(self.log_file.read_text())]


class Ours:
    """`python -m inference.worker` with the door open, for so many sessions; tells of its last minute's steps in
    /metrics. One serves one measurement."""

    silent = 1
    missing = 0

    def __init__(self, checkpoint: Path, log: Path, slots: int) -> None:
        self._log = log
        self._environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "WORKER_SECRET": SECRET,
            "WORKER_ENGINES": "moshi",
            "WORKER_SLOTS": str(slots),
            "WORKER_CHAT": "open",
            "WORKER_PORT": "8790",
            "WORKER_MAX_STEP_MS": "0",
            "WEB_URL": "http://127.0.0.1:9",
            "MOSHI_CHECKPOINT": str(checkpoint),
            "MOSHI_DEVICE": "cpu",
        }

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Ours:
        with self._log.open("w") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-u", "-m", "inference.worker"],
                cwd=ROOT,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + START_SEC
        while not (found := re.search(r"inference worker listens.*address='(ws://[^']+)'", self._log.read_text())):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise RuntimeError(f"the inference worker did not start:\n{self._log.read_text()}")
            time.sleep(0.05)
        self.url = found[1]
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()

    def begin(self) -> None:
        """The warm-up's few steps count among the many."""

    def step_times(self) -> StepTimes:
        with urlopen(f"{self.url.replace('ws', 'http', 1)}/metrics", timeout=10) as answer:
            found = {int(name): 1_000 * float(value) for name, value in STEP.findall(answer.read().decode())}
        return StepTimes(found[50], found[95], found[99])


def cpu_sec(pid: int) -> float:
    """Used by a process and its children so far."""
    process = psutil.Process(pid)
    times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))


def _percentiles(steps_ms: Sequence[float]) -> StepTimes:
    return StepTimes(*(float(np.percentile(steps_ms, percent)) for percent in (50, 95, 99)))
