"""The inference worker's own converters as a network, to try a set-up or to move their cost to another machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32
from inference.contract.catalog import converter_class
from inference.contract.errors import OptionError, TargetUnavailable
from inference.contract.parameters import PARAMETERS
from inference.converter_server.network import Network
from inference.voices.base import VoiceStream

DEFAULT_ROWS: Final = 16


class LocalNetwork(Network):
    """Runs the converter `name` of the catalogue, which needs no target. The parameters are that converter's own."""

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
