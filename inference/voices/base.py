"""The contract of converters: a stream returns as many samples as it is given, with a fixed latency."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from inference.contract.errors import OptionError, TargetUnavailable


class VoiceStream(ABC):
    """One talker's stream. It is deterministic given its seed, and does not depend on how the input is divided."""

    latency_samples: int

    @property
    def latency_ms(self) -> float:
        return self.latency_samples * 1_000 / SAMPLE_RATE_HZ

    @abstractmethod
    def push(self, samples: Float32) -> Float32:
        """float32 [n] -> float32 [n], delayed by `latency_samples`; n is a multiple of UPLINK_SAMPLES.

        Whatever the input is, the output is finite and within full scale (`playable` helps)."""

    @abstractmethod
    def reset(self) -> None:
        """Returns to the state after `open`."""

    def close(self) -> None:
        """Closes any connections, because the take is over."""
        return


class Converter(ABC):
    """Opens streams.

    `needs_target` says whether the converter turns the voice into a target voice, which is enrolled before a stream is
    opened."""

    needs_target: ClassVar[bool] = False

    @abstractmethod
    def check(self, parameters: Mapping[str, Any]) -> None:
        """Raises OptionError unless every parameter is known and in range."""

    def enrol(self, target: str, reference: Float32) -> None:
        """Learns the voice called `target` from float32 [n] at 24 kHz. Raises TargetUnavailable, RemoteLost.

        This is the only method that may take long and that is called from another thread."""
        raise TargetUnavailable("this converter has no target voices")

    @abstractmethod
    def open(self, parameters: Mapping[str, Any], seed: int = 0, target: str = "") -> VoiceStream:
        """Returns a new stream. `target` names a target voice if the converter needs one. Raises OptionError."""

    def refuse_target(self, target: str) -> None:
        """Refuses a target in a converter that has none, because a study would rely on one that is ignored.

        Raises OptionError."""
        if target:
            raise OptionError("target", target, "none: this converter has no target voices")

    @abstractmethod
    def snapshot(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Returns what a researcher must know to repeat this conversion: name, version, every parameter in force.

        Where the catalogue leaves open whether the voice goes to a third party, `third_party` says so."""

    def shut_down(self) -> None:
        """Called when the worker stops."""
        return


def playable(samples: Float32) -> Float32:
    """Returns a copy [n] that can be played: values that are not finite numbers become 0, and those beyond full scale
    are clipped. Raises ValueError for more than one channel."""
    if np.ndim(samples) != 1:
        raise ValueError(f"one channel is needed, [n], not {np.shape(samples)}")
    finite = np.nan_to_num(np.asarray(samples, np.float32), posinf=1.0, neginf=-1.0)
    return np.clip(finite, -1.0, 1.0, out=finite)
