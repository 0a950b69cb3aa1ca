"""Puts frames of a track where they belong on the microphone clock. Pure: bytes in, samples and gaps out."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from inference.contract.audio import BYTES_PER_SAMPLE, FRAME_SAMPLES, Int16, samples_to_ms


@dataclass(slots=True)
class Lane:
    """One track in the making. Nothing is put over what is there: a frame that claims an earlier place comes after."""

    end: int = 0
    _pieces: list[tuple[int, bytes]] = field(default_factory=list)
    _slips: list[tuple[int, int]] = field(default_factory=list)

    def slipped(self, sample: int, samples: int) -> None:
        """What was put here is padding that fills a frame up, not sound: the capture clock jumped."""
        self._slips.append((max(0, sample), sample + samples))

    def add(self, sample: int, pcm: bytes) -> None:
        """Puts PCM16 at `sample`; what would lie before sample 0 is left out."""
        if sample < 0:
            pcm = pcm[-sample * BYTES_PER_SAMPLE :]
            sample = 0
        if pcm:
            start = max(sample, self.end)
            self._pieces.append((start, pcm))
            self.end = start + len(pcm) // BYTES_PER_SAMPLE

    def gaps(self, duration: int) -> list[list[int]]:
        """[first sample, samples] of every stretch of `duration` samples in which nothing was put, or only padding."""
        empty, end = [], 0
        for start, pcm in [*self._pieces, (duration, b"")]:
            empty.append((end, start))
            end = start + len(pcm) // BYTES_PER_SAMPLE
        gaps: list[list[int]] = []
        for start, stop in sorted([*empty, *self._slips]):
            stop = min(stop, duration)
            if stop <= start:
                continue
            if gaps and start <= sum(gaps[-1]):
                gaps[-1][1] = max(sum(gaps[-1]), stop) - gaps[-1][0]
            else:
                gaps.append([start, stop - start])
        return gaps

    def samples(self, duration: int) -> Int16:
        """int16 [duration], with silence in the gaps."""
        track = np.zeros(duration, "<i2")
        for start, pcm in self._pieces:
            track[start : start + len(pcm) // BYTES_PER_SAMPLE] = np.frombuffer(pcm, "<i2")
        return track


class Delayed:
    """A lane behind a constant latency, which it takes out.

    What comes out of a converter with one frame belongs to the audio that went in `latency_samples` of *stream* before
    it. Across a gap in time, in which no frame went in, that is before the gap: so places are owed, first in first out.
    """

    def __init__(self, lane: Lane, latency_samples: int) -> None:
        self._lane = lane
        self._latency = latency_samples
        self._owed: deque[tuple[int, int]] = deque()
        self._warm_up = latency_samples

    def add(self, places: Sequence[int], pcm: bytes) -> None:
        """One frame of output, and where the parts of its input stood, which are as long as each other."""
        part = len(pcm) // BYTES_PER_SAMPLE // len(places)
        self._owed.extend((place, part) for place in places)
        skipped = min(self._warm_up, len(pcm) // BYTES_PER_SAMPLE)
        self._warm_up -= skipped
        pcm = pcm[skipped * BYTES_PER_SAMPLE :]
        while pcm:
            place, size = self._owed.popleft()
            count = min(size, len(pcm) // BYTES_PER_SAMPLE)
            self._lane.add(place, pcm[: count * BYTES_PER_SAMPLE])
            pcm = pcm[count * BYTES_PER_SAMPLE :]
            if count < size:
                self._owed.appendleft((place + count, size - count))

    def lost(self) -> None:
        """Frames of output are missing here: the next ones still hold the end of those."""
        self._owed.clear()
        self._warm_up = self._latency


@dataclass(frozen=True, slots=True)
class SlotClock:
    """An engine counts milliseconds of what it was stepped with; `places` says where each of its steps stood on the
    microphone clock, so that time it was not stepped is put back in."""

    places: Sequence[int]

    def mic_ms(self, slot_ms: float) -> float:
        """Milliseconds of the slot -> milliseconds of the microphone clock."""
        if not self.places:
            return slot_ms
        frame_ms = samples_to_ms(FRAME_SAMPLES)
        step = min(max(0, int(slot_ms // frame_ms)), len(self.places) - 1)
        return samples_to_ms(self.places[step]) + slot_ms - step * frame_ms


def playback_delay_samples(reports: Sequence[tuple[int, int]], steps: Sequence[tuple[int, int]]) -> int | None:
    """How long after its place on the microphone clock an agent frame began to sound: the median over `reports`
    (sounding step, microphone sample) given the `steps` (step, place), which grow; None without any that match."""
    numbers = [step for step, _ in steps]
    delays = []
    for step, sample in reports:
        at = bisect_right(numbers, step) - 1
        if at >= 0 and numbers[at] == step:
            delays.append(sample - steps[at][1])
    return int(np.median(delays)) if delays else None
