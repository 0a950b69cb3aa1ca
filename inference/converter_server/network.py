"""The contract of a converter server's network: rows of a batch, each of which turns a block of speech into a block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from inference.contract.audio import Float32


class Network(ABC):
    """All methods are called from the one thread that owns the device.

    `step` must not fail because of one row: it reports that row in `failed` and continues with the others."""

    sample_rate_hz: int
    block_samples: int  # at `sample_rate_hz`, in and out
    latency_samples: int  # at `sample_rate_hz`, from a sample's input to its output
    needs_target: bool
    rows: int
    parameters: Mapping[str, tuple[float, float]] = MappingProxyType({})  # name -> (lowest, highest)

    def __init__(self) -> None:
        self.failed: dict[int, Exception] = {}  # row -> error; the server ends those streams and empties this

    @abstractmethod
    def about(self) -> dict[str, Any]:
        """Returns all that is needed to repeat a conversion: names, revisions, weights, parameters, licences."""

    @abstractmethod
    def enrol(self, target: str, reference: Float32) -> None:
        """Learns a target from its voice, float32 [n] at 24 kHz. Raises TargetUnavailable for one it cannot use."""

    @abstractmethod
    def knows(self, target: str) -> bool:
        """Whether the target is enrolled."""

    @abstractmethod
    def open(self, row: int, target: str, parameters: Mapping[str, Any], seed: int) -> None:
        """Opens a new stream in a free row. Raises OptionError."""

    @abstractmethod
    def step(self, blocks: Mapping[int, Float32]) -> dict[int, Float32]:
        """Takes float32 [block_samples] for each named row, and returns as many for each of them."""

    @abstractmethod
    def close(self, row: int) -> None:
        """Ends the stream; nothing of it may remain in the row."""
