"""One engine with one number of slots: how long its steps take and what it holds in memory."""

from __future__ import annotations

import gc
import os
import platform
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from inference.contract.audio import FRAME_MS, FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32
from inference.contract.catalog import ENGINES, engine_class
from inference.contract.errors import EngineUnavailable
from inference.engines.base import Engine, SlotConfig

FRAME_SEC: Final = FRAME_MS / 1_000
HEARD_SEC: Final = 14  # of sound for each row, then again from its start

# Bytes a second that the memory of a device is said to carry, by a part of its name.
BANDWIDTHS: Final[Mapping[str, float]] = {
    "H200": 4.8e12,
    "H100 PCIe": 2.0e12,
    "H100": 3.35e12,
    "A100-SXM4-80GB": 2.04e12,
    "A100 80GB": 1.94e12,
    "A100": 1.56e12,
    "L40S": 0.86e12,
    "L40": 0.86e12,
    "L4": 0.30e12,
    "A10": 0.60e12,
    "RTX 4090": 1.01e12,
    "RTX 3090": 0.94e12,
}
PHRASE_SEC: Final = 2.4
PAUSE_SEC: Final = 1.1
SYLLABLES_PER_SEC: Final = 4.2
HARMONICS: Final = 20
LEVEL: Final = 0.1  # root mean square of the phrases, about a microphone's


@dataclass(frozen=True, slots=True)
class StepTimes:
    """Milliseconds of steps. `late` finished after the next one was due; it means something at a pace only."""

    steps: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float
    late: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """`memory_bytes` is the most that was held: on a GPU by torch, else by the process. `first_audio_ms` runs from a
    row's first frame to the end of the step that first gave sound; None if none did. The `model_` figures are what
    `inference.engines.moshi.memory` expects, where the engine has such a model; memory without the reserve, so that
    what is measured above it shows what the reserve must hold."""

    engine: str
    device: str
    slots: int
    load_sec: float
    memory_bytes: int
    first_audio_ms: float | None
    paced: StepTimes
    flat_out: StepTimes
    frames_per_sec: float
    failed_slots: int
    model_memory_bytes: int | None
    model_step_ms: float | None
    snapshot: dict[str, Any]


def measure(
    name: str,
    slots: int,
    settings: Mapping[str, str],
    *,
    seconds: float,
    config: SlotConfig | None = None,
    bandwidth: float | None = None,
) -> Measurement:
    """Loads the engine as the worker does and steps all its rows for `seconds` at the pace of a conversation, then as
    often flat out. `bandwidth` (bytes a second) overrides what is known of the device.

    Raises UnknownName, EngineUnavailable, OptionError."""
    before = time.perf_counter()
    engine = _load(name, slots, settings)
    load_sec = time.perf_counter() - before
    try:
        rows = _Rows(engine, slots, _of_variant(name, config or SlotConfig()))
        gc.collect()
        gc.freeze()  # as the worker does: a full collection over the weights would count as a step's time
        steps = max(2, round(seconds / FRAME_SEC))
        paced, first_audio_ms = rows.paced(steps)
        flat_out, elapsed_sec = rows.flat_out(steps)
        device = _device(engine)
        known = bandwidth or next((value for part, value in BANDWIDTHS.items() if part in device), None)
        model = getattr(engine, "memory", None)
        return Measurement(
            engine=name,
            device=device,
            slots=slots,
            load_sec=load_sec,
            memory_bytes=_memory_bytes(),
            first_audio_ms=first_audio_ms,
            paced=paced,
            flat_out=flat_out,
            frames_per_sec=steps * slots / elapsed_sec,
            failed_slots=len(rows.failed),
            model_memory_bytes=model.bytes_for(slots, reserve_bytes=0) if model else None,
            model_step_ms=model.step_ms(slots, known) if model and known else None,
            snapshot=engine.snapshot(),
        )
    finally:
        gc.unfreeze()
        engine.shut_down()


def _of_variant(name: str, config: SlotConfig) -> SlotConfig:
    return replace(config, options={**ENGINES[name].fixed, **config.options})


def _load(name: str, slots: int, settings: Mapping[str, str]) -> Engine:
    try:
        engine = engine_class(name)(slots, settings)
        engine.warm_up()
    except ImportError as error:
        package = (error.name or str(error)).partition(".")[0]
        remedy = "Run `make moshi`." if package in {"torch", "moshi"} else "See docs/operator.md."
        raise EngineUnavailable(name, f"the package {package} is not installed", remedy) from error
    if engine.slots < slots:
        engine.shut_down()
        raise EngineUnavailable(name, f"it carries {engine.slots} slots, not {slots}", "Ask for fewer slots.")
    return engine


class _Rows:
    """All rows of an engine, opened afresh for each run."""

    def __init__(self, engine: Engine, slots: int, config: SlotConfig) -> None:
        self.failed: set[int] = set()
        self._engine, self._slots, self._config = engine, slots, config
        self._heard = [speech(row, HEARD_SEC * SAMPLE_RATE_HZ // FRAME_SAMPLES * FRAME_SAMPLES) for row in range(slots)]
        engine.check(config)

    def paced(self, steps: int) -> tuple[StepTimes, float | None]:
        """A step every 80 ms; one that comes late is followed at once, as in the worker."""
        self._open()
        took: list[float] = []
        late, first_audio_ms = 0, None
        start = time.perf_counter()
        for number in range(steps):
            due = start + number * FRAME_SEC
            time.sleep(max(0.0, due - time.perf_counter()))
            begun = time.perf_counter()
            sounds = self._step(number)
            ended = time.perf_counter()
            took.append(ended - begun)
            late += ended > due + FRAME_SEC
            if sounds and first_audio_ms is None:
                first_audio_ms = 1_000 * (ended - start)
        self._close()
        return _times(took, late), first_audio_ms

    def flat_out(self, steps: int) -> tuple[StepTimes, float]:
        """One step after the other; also the seconds all of them took."""
        self._open()
        took: list[float] = []
        for number in range(steps):
            begun = time.perf_counter()
            self._step(number)
            took.append(time.perf_counter() - begun)
        self._close()
        return replace(_times(took, 0), late=sum(one > FRAME_SEC for one in took)), sum(took)

    def _open(self) -> None:
        self.failed.clear()
        for row in range(self._slots):
            self._engine.open(row, replace(self._config, seed=self._config.seed + row))

    def _close(self) -> None:
        for row in range(self._slots):
            self._engine.close(row)

    def _step(self, number: int) -> bool:
        """Whether any row gave sound."""
        frames = {row: self._frame(row, number) for row in range(self._slots) if row not in self.failed}
        outputs = self._engine.step(frames)
        self.failed |= self._engine.failed.keys()
        self._engine.failed.clear()
        return any(output.pcm.any() for output in outputs.values())

    def _frame(self, row: int, number: int) -> Float32:
        heard = self._heard[row]
        start = number * FRAME_SAMPLES % len(heard)
        return heard[start : start + FRAME_SAMPLES]


def _times(took_sec: list[float], late: int) -> StepTimes:
    p50, p95, p99 = (float(value) for value in 1_000 * np.percentile(took_sec, (50, 95, 99)))
    return StepTimes(len(took_sec), p50, p95, p99, 1_000 * max(took_sec), late)


def _device(engine: Engine) -> str:
    torch = sys.modules.get("torch")
    if torch is not None and _uses_cuda(torch):
        return str(torch.cuda.get_device_name())
    named = engine.snapshot().get("device", "")
    return f"{named or 'cpu'}, {platform.machine()}, {os.cpu_count()} cores"


def _memory_bytes() -> int:
    torch = sys.modules.get("torch")
    if torch is not None and _uses_cuda(torch):
        free, total = torch.cuda.mem_get_info()  # all of it: CUDA's own part and its graphs are not torch's to count
        return int(total - free)
    import resource  # not on Windows, where this falls on nobody else

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _uses_cuda(torch: Any) -> bool:
    return bool(torch.cuda.is_available() and torch.cuda.memory_allocated() > 0)


def speech(seed: int, samples: int) -> Float32:
    """float32 [samples] at 24 kHz; the same for the same seed.

    It consists of voiced syllables in phrases, with pauses, in another voice for every row. Engines may do less for
    silence or for a pure tone, so neither would tell what a conversation costs."""
    rng = np.random.default_rng(seed)
    time_sec = np.arange(samples) / SAMPLE_RATE_HZ
    phase_sec = time_sec + rng.uniform(0, PHRASE_SEC + PAUSE_SEC)
    f0_hz = rng.uniform(95, 230) * (1 + 0.12 * np.sin(2 * np.pi * 0.7 * phase_sec))
    phase = 2 * np.pi * np.cumsum(f0_hz) / SAMPLE_RATE_HZ
    formant_hz = 500 + 300 * np.sin(2 * np.pi * SYLLABLES_PER_SEC / 3 * phase_sec)
    voiced = np.zeros(samples)
    for number in range(1, HARMONICS + 1):
        distance = (number * f0_hz - formant_hz) / 400
        voiced += np.sin(number * phase) * (np.exp(-(distance**2)) + 0.1) / number**0.5
    syllables = 0.5 - 0.5 * np.cos(2 * np.pi * SYLLABLES_PER_SEC * phase_sec)
    talking = phase_sec % (PHRASE_SEC + PAUSE_SEC) < PHRASE_SEC
    sound = voiced * syllables * talking
    sound *= LEVEL / max(1e-9, float(np.sqrt(np.mean(sound**2))))
    return np.clip(sound + rng.normal(0, 1e-3, samples), -1, 1).astype(np.float32)
