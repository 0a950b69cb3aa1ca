"""Runs a take's voice schedule: one stream per segment, switched at the exact sample with a cross-fade.

All streams are delayed to the latency of the slowest one, or to a longer latency that is requested. A switch therefore
joins the same moment of speech, and what the engine hears has one constant delay. The next stream starts early, so that
it is warm when its turn comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from inference.contract.errors import OptionError, RemoteLost, UnknownName
from inference.contract.tokens import VoiceSegment
from inference.contract.wire import Metadata
from inference.voices.base import Converter, VoiceStream
from inference.voices.none import Delay

FADE_SAMPLES: Final = SAMPLE_RATE_HZ // 50
WARM_UP_SAMPLES: Final = SAMPLE_RATE_HZ
MAX_LATENCY_SAMPLES: Final = 10 * SAMPLE_RATE_HZ
FOREVER: Final = 2**62
OWN_VOICE: Final = "none"


def check_voices(
    segments: Sequence[VoiceSegment], converters: Mapping[str, Converter], latency_samples: int | None = None
) -> None:
    """Raises OptionError or UnknownName unless `segments` are in order, do not overlap, are long enough, and can all be
    run within the requested latency."""
    end = 0
    for place, segment in enumerate(segments):
        stop = FOREVER if segment.end_sample is None else segment.end_sample
        if segment.start_sample < end:
            raise OptionError(f"voices[{place}].start_sample", segment.start_sample, f"{end} or more")
        if stop - segment.start_sample < FADE_SAMPLES:
            raise OptionError(f"voices[{place}].end_sample", segment.end_sample, f"{FADE_SAMPLES} after its start")
        if segment.converter not in converters:
            raise UnknownName("converter", segment.converter, tuple(converters))
        converter = converters[segment.converter]
        converter.check(segment.parameters)
        if converter.needs_target and not segment.target:
            raise OptionError(f"voices[{place}].target", "", f"a target voice: {segment.converter} needs one")
        if segment.target and not converter.needs_target:
            raise OptionError(f"voices[{place}].target", segment.target, f"none: {segment.converter} has no targets")
        if segment.fallback and (segment.fallback not in converters or converters[segment.fallback].needs_target):
            raise OptionError(f"voices[{place}].fallback", segment.fallback, "a converter without a target")
        end = stop
    if latency_samples is not None:
        _check_latency(segments, converters, latency_samples)


def _check_latency(segments: Sequence[VoiceSegment], converters: Mapping[str, Converter], latency_samples: int) -> None:
    told = (converters[segment.converter].snapshot(segment.parameters) for segment in segments)
    slowest = max((snapshot["latency_samples"] for snapshot in told), default=0)
    if not slowest <= latency_samples <= MAX_LATENCY_SAMPLES:
        expected = f"from {slowest}, which its slowest voice needs, to {MAX_LATENCY_SAMPLES}"
        raise OptionError("latency_samples", latency_samples, expected)


def without_gaps(segments: Sequence[VoiceSegment]) -> list[VoiceSegment]:
    """Returns the schedule from sample 0 without an end; where it names no voice, the voice stays as it is.

    A gap that is too short for a fade is given to the voice before it."""
    whole: list[VoiceSegment] = []
    end = 0
    for segment in segments:
        if segment.start_sample - end >= FADE_SAMPLES:
            whole.append(VoiceSegment(OWN_VOICE, end, segment.start_sample))
        whole.append(segment)
        end = FOREVER if segment.end_sample is None else segment.end_sample
    if end < FOREVER:
        whole.append(VoiceSegment(OWN_VOICE, end))
    return whole


class VoiceSchedule:
    """One talker's voice through a take, with a delay of `latency_samples`."""

    def __init__(
        self,
        segments: Sequence[VoiceSegment],
        converters: Mapping[str, Converter],
        latency_samples: int | None = None,
    ) -> None:
        """Opens every stream. Raises OptionError or UnknownName.

        The delay is exactly `latency_samples`, or that of the slowest stream if this is None."""
        check_voices(segments, converters, latency_samples)
        whole = without_gaps(segments)
        streams = [_opened(segment, converters) for segment in whole]
        slowest = max(stream.latency_samples for stream in streams)
        self.latency_samples = slowest if latency_samples is None else latency_samples
        self.snapshots: list[dict[str, Any]] = [
            converters[segment.converter].snapshot(segment.parameters) for segment in segments
        ]
        starts = [0, *(segment.start_sample for segment in whole[1:])]
        self._voices = [
            _Voice(segment, start, end, stream, self.latency_samples - stream.latency_samples)
            for segment, start, end, stream in zip(whole, starts, [*starts[1:], FOREVER], streams, strict=True)
        ]
        self._voices[0].announced = True  # The voice that it starts with is not a switch.

    def push(self, sample: int, samples: Float32) -> tuple[Float32, list[Metadata]]:
        """Takes float32 [n] that begin at `sample` of the microphone clock.

        Returns float32 [n] that began `latency_samples` earlier, and the switches in them."""
        heard_at = sample - self.latency_samples
        moments = np.arange(heard_at, heard_at + len(samples))
        mixed = np.zeros(len(samples), np.float32)
        switches = []
        for voice in self._voices:
            warm_at = voice.start - WARM_UP_SAMPLES - self.latency_samples
            if sample + len(samples) <= warm_at or heard_at >= voice.end + FADE_SAMPLES:
                continue
            mixed += voice.push(samples) * voice.gain(moments)
            if (lost := voice.just_lost()) is not None:
                switches.append(Metadata("switch", {**lost, "requested_sample": heard_at, "actual_sample": heard_at}))
            if not voice.announced and heard_at + len(samples) > voice.start:
                voice.announced = True
                actual = max(voice.start, heard_at)
                fields = {"converter": voice.converter, "requested_sample": voice.start, "actual_sample": actual}
                switches.append(Metadata("switch", fields))
        return mixed, switches

    def close(self) -> None:
        """Closes every stream, because the take is over."""
        for voice in self._voices:
            voice.close()


def _opened(segment: VoiceSegment, converters: Mapping[str, Converter]) -> VoiceStream:
    """Raises OptionError."""
    stream = converters[segment.converter].open(segment.parameters, segment.seed, segment.target)
    return WithFallback(stream, converters[segment.fallback].open({})) if segment.fallback else stream


class _Voice:
    """One segment's stream, its place in time, and the delay that aligns it with the others."""

    def __init__(self, segment: VoiceSegment, start: int, end: int, stream: VoiceStream, delay_samples: int) -> None:
        self.converter = segment.converter
        self.start = start
        self.end = end
        self.announced = False
        self._fallback = segment.fallback
        self._stream = stream
        self._delay = Delay(delay_samples)
        self._told_lost = False

    def push(self, samples: Float32) -> Float32:
        """float32 [n] -> float32 [n], with the schedule's latency."""
        return self._delay.push(self._stream.push(samples))

    def just_lost(self) -> dict[str, Any] | None:
        """Returns, once, what a switch reports when the fallback has taken over."""
        if self._told_lost or not isinstance(self._stream, WithFallback) or self._stream.lost is None:
            return None
        self._told_lost = True
        return {"converter": self._fallback, "fallback": True, "reason": str(self._stream.lost)}

    def close(self) -> None:
        self._stream.close()

    def gain(self, moments: np.ndarray[Any, np.dtype[np.int64]]) -> Float32:
        """int64 [n] -> float32 [n]: 1 inside the segment and 0 outside, with a fade over the first 20 ms of a segment.

        The gains of neighbours sum to 1, because their voices say the same at the same moment."""
        rise = _raised_cosine(moments - self.start) if self.start > 0 else 1  # The first has nothing to fade from.
        return np.asarray(rise * (1 - _raised_cosine(moments - self.end)), np.float32)


def _raised_cosine(moments: np.ndarray[Any, np.dtype[np.int64]]) -> Float32:
    """int64 [n] -> float32 [n]: 0 before the fade and 1 after it, or a single value if all are the same."""
    if moments[-1] <= 0 or moments[0] >= FADE_SAMPLES:
        return np.asarray(moments[0] > 0, np.float32)
    progress = np.clip(moments / FADE_SAMPLES, 0, 1)
    return (np.sin(progress * np.pi / 2) ** 2).astype(np.float32)


class WithFallback(VoiceStream):
    """Runs both streams from the beginning with the same delay, so that the fallback is warm when it is needed.

    The fallback is faded in from the silence that the lost stream leaves.

    It serves a take whose study lets it go on when its converter is lost."""

    def __init__(self, stream: VoiceStream, other: VoiceStream) -> None:
        self.latency_samples = max(stream.latency_samples, other.latency_samples)
        self.lost: RemoteLost | None = None
        self._streams = (stream, other)
        self._make_delays()

    def push(self, samples: Float32) -> Float32:
        other = self._delays[1].push(self._streams[1].push(samples))
        if self.lost is None:
            try:
                return self._delays[0].push(self._streams[0].push(samples))
            except RemoteLost as error:
                self.lost = error
        rise = np.clip((self._faded_samples + np.arange(len(other))) / FADE_SAMPLES, 0, 1).astype(np.float32)
        self._faded_samples += len(other)
        return other * rise

    def reset(self) -> None:
        for stream in self._streams:
            stream.reset()
        self.lost = None
        self._make_delays()

    def close(self) -> None:
        for stream in self._streams:
            stream.close()

    def _make_delays(self) -> None:
        self._delays = [Delay(self.latency_samples - stream.latency_samples) for stream in self._streams]
        self._faded_samples = 0
