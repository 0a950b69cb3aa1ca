"""What a converter is: a stream that returns as many samples as it is given, a fixed latency later."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from inference.contract.errors import OptionError, TargetUnavailable


class VoiceStream(ABC):
    """One talker's stream. Deterministic given its seed, and the same for every chunking of the input."""

    latency_samples: int

    @property
    def latency_ms(self) -> float:
        return self.latency_samples * 1_000 / SAMPLE_RATE_HZ

    @abstractmethod
    def push(self, samples: Float32) -> Float32:
        """float32 [n] -> float32 [n], delayed by `latency_samples`; n is a multiple of UPLINK_SAMPLES.

        Whatever comes in, what goes out is finite and within full scale (`playable` helps)."""

    @abstractmethod
    def reset(self) -> None:
        """Back to the state after `open`."""

    def close(self) -> None:
        """The talk is over: connections, if there are any, are let go."""
        return


class Converter(ABC):
    """Opens streams. `batchable` says whether streams can be stepped together on a device, `needs_target` whether it
    converts into somebody's voice, which is enrolled before a stream is opened."""

    batchable: ClassVar[bool] = False
    needs_target: ClassVar[bool] = False

    @abstractmethod
    def check(self, parameters: Mapping[str, Any]) -> None:
        """Raises OptionError unless every parameter is known and in range."""

    def enrol(self, target: str, reference: Float32) -> None:
        """Learns the voice called `target` from float32 [n] at 24 kHz. The one method that may take its time, and that
        is called from another thread. Raises TargetUnavailable, RemoteLost."""
        raise TargetUnavailable("this converter has no target voices")

    @abstractmethod
    def open(self, parameters: Mapping[str, Any], seed: int = 0, target: str = "") -> VoiceStream:
        """A fresh stream. `target` names a target voice where the converter needs one. Raises OptionError."""

    def refuse_target(self, target: str) -> None:
        """For those that have none: to ignore one would let a study believe in it. Raises OptionError."""
        if target:
            raise OptionError("target", target, "none: this converter has no target voices")

    @abstractmethod
    def snapshot(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """What a researcher must know to repeat this conversion: name, version, every parameter in force."""

    def shut_down(self) -> None:
        """The worker stops."""
        return


def playable(samples: Float32) -> Float32:
    """A copy [n] of what can be played: what is no number becomes 0, what is too loud is clipped. Raises ValueError
    for more than one channel."""
    if np.ndim(samples) != 1:
        raise ValueError(f"one channel is needed, [n], not {np.shape(samples)}")
    finite = np.nan_to_num(np.asarray(samples, np.float32), posinf=1.0, neginf=-1.0)
    return np.clip(finite, -1.0, 1.0, out=finite)
