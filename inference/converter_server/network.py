"""What a network of a converter server is: rows of a batch that turn one block of speech into one block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from inference.contract.audio import Float32


class Network(ABC):
    """All methods are called from the one thread that owns the device. `step` must not fail for one row's sake: it
    reports that row in `failed` and goes on with the others."""

    sample_rate_hz: int
    block_samples: int  # at `sample_rate_hz`, in and out
    latency_samples: int  # at `sample_rate_hz`: so much later than it went in does a sample come out
    needs_target: bool
    rows: int
    parameters: Mapping[str, tuple[float, float]] = MappingProxyType({})  # name -> (lowest, highest)

    def __init__(self) -> None:
        self.failed: dict[int, Exception] = {}  # row -> why; emptied by the server, which ends those streams

    @abstractmethod
    def about(self) -> dict[str, Any]:
        """What a researcher must know to repeat a conversion: names, revisions, weights, parameters, licences."""

    @abstractmethod
    def enrol(self, target: str, reference: Float32) -> None:
        """Learns a target from its voice, float32 [n] at 24 kHz. Raises TargetUnavailable for one it cannot use."""

    @abstractmethod
    def knows(self, target: str) -> bool:
        """Whether the target is enrolled."""

    @abstractmethod
    def open(self, row: int, target: str, parameters: Mapping[str, Any], seed: int) -> None:
        """A new stream in a row that is free. Raises OptionError."""

    @abstractmethod
    def step(self, blocks: Mapping[int, Float32]) -> dict[int, Float32]:
        """float32 [block_samples] for each row named -> as many for each of them."""

    @abstractmethod
    def close(self, row: int) -> None:
        """The stream is over; nothing of it may remain in the row."""
