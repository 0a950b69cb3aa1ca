"""Decides from a checkpoint's configuration where it runs and with how many rows, before anything large is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import structlog
import torch

from inference.contract.errors import EngineUnavailable
from inference.engines.moshi.memory import MemoryModel

MAX_CPU_PARAMETERS: Final = 300_000_000  # A CPU cannot read more from memory twelve times a second.
CPU_RESERVE_BYTES: Final = 300_000_000
CPU_SLOTS: Final = 8
GPU_SLOTS: Final = 32  # chosen at most: launches and fragmentation, which the memory model leaves out, grow too
MORE_MEMORY: Final = "Use a GPU, or a machine, with more memory."
OTHER_ENGINES: Final = (
    "Other engines need no GPU: cascade runs on a CPU, moshi_server and openai_realtime use a server elsewhere."
)

log = structlog.get_logger()


def choose_device(wanted: str, parameters: int) -> torch.device:
    """Returns the device of `MOSHI_DEVICE`: auto (a GPU if there is one), cuda or cpu. Raises EngineUnavailable."""
    gpu = torch.cuda.is_available()
    if wanted == "cuda" and not gpu:
        raise EngineUnavailable(
            "moshi",
            f"MOSHI_DEVICE is cuda, and torch {torch.__version__} sees no GPU",
            f"Install a driver and a CUDA build of torch, or set MOSHI_DEVICE to auto. {OTHER_ENGINES}",
        )
    if wanted == "auto" and not gpu and parameters > MAX_CPU_PARAMETERS:
        raise EngineUnavailable(
            "moshi",
            f"the checkpoint has {parameters / 1e9:.1f} billion parameters, and torch {torch.__version__} sees no GPU",
            f"Run it where there is one. {OTHER_ENGINES}",
        )
    if gpu and wanted != "cpu":
        return torch.device("cuda", torch.cuda.current_device())
    if parameters > MAX_CPU_PARAMETERS:
        log.warning("moshi will not keep up on a CPU", parameters=parameters)
    return torch.device("cpu")


def choose_rows(slots: int | None, memory: MemoryModel, device: torch.device, gpu_reserve_bytes: int) -> int:
    """Returns the requested number of rows or, without a request, a sensible one. Raises EngineUnavailable."""
    cuda = device.type == "cuda"
    free = torch.cuda.mem_get_info(device)[0] if cuda else _free_memory_bytes()
    if free is None:
        return slots or CPU_SLOTS
    reserve = gpu_reserve_bytes if cuda else CPU_RESERVE_BYTES
    fitting = memory.slots_that_fit(free, reserve_bytes=reserve)
    if fitting < (slots or 1):
        raise EngineUnavailable(
            "moshi",
            f"there is not enough memory: {memory.what_fits(slots or 1, free, reserve_bytes=reserve)}",
            f"Set WORKER_SLOTS to {fitting} or less." if fitting else f"{MORE_MEMORY} {OTHER_ENGINES}",
        )
    return slots or min(fitting, GPU_SLOTS if cuda else CPU_SLOTS)


def _free_memory_bytes() -> int | None:
    """Returns the free memory; None if the machine does not report it."""
    try:
        found = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1_024 if found else None


@contextmanager
def enough_memory(rows: int) -> Iterator[None]:
    """Wraps code that takes memory for every row. Raises EngineUnavailable if there is not enough after all."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        remedy = f"Set WORKER_SLOTS to less than {rows}." if rows > 1 else MORE_MEMORY
        raise EngineUnavailable("moshi", f"there is not enough memory for {rows} slots", remedy) from error
