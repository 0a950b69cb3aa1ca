"""The contract of a converter server's network: rows of a batch, each of which turns a block of speech into a block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32
from inference.contract.catalog import converter_class
from inference.contract.errors import OptionError, TargetUnavailable
from inference.contract.parameters import PARAMETERS
from inference.voices.base import VoiceStream

DEFAULT_ROWS: Final = 16


class Network(ABC):
    """The interface of a network. All methods are called on the one thread that owns the device.

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
        """Returns what is needed to repeat a conversion: names, revisions, weights, parameters, licences."""

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
        """Takes float32 [block_samples] for each named row and returns as many samples for each."""

    @abstractmethod
    def close(self, row: int) -> None:
        """Ends the stream; nothing of it may remain in the row."""


class LocalNetwork(Network):
    """Runs the converter `name` of the catalogue, which needs no target. The parameters are that converter's own.

    It serves to try a set-up, or to run the conversion on another machine."""

    sample_rate_hz = SAMPLE_RATE_HZ
    block_samples = FRAME_SAMPLES
    needs_target = False

    def __init__(self, name: str, rows: int = DEFAULT_ROWS) -> None:
        super().__init__()
        self.rows = rows
        self._converter = converter_class(name)()
        self.parameters = {key: (known.low, known.high) for key, known in PARAMETERS[name].items()}
        self.latency_samples = self._converter.open({}).latency_samples
        self._streams: dict[int, VoiceStream] = {}

    def about(self) -> dict[str, Any]:
        return self._converter.snapshot({})

    def enrol(self, target: str, reference: Float32) -> None:
        raise TargetUnavailable("this converter has no targets")

    def knows(self, target: str) -> bool:
        return False

    def open(self, row: int, target: str, parameters: Mapping[str, Any], seed: int) -> None:
        stream = self._converter.open(parameters, seed)
        if stream.latency_samples != self.latency_samples:
            raise OptionError("floor_hz", parameters.get("floor_hz"), "its default: all streams share one latency")
        self._streams[row] = stream

    def step(self, blocks: Mapping[int, Float32]) -> dict[int, Float32]:
        return {row: self._streams[row].push(block) for row, block in blocks.items()}

    def close(self, row: int) -> None:
        self._streams.pop(row, None)
