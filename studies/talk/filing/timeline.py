"""Places the frames of a track on the microphone clock. The code is pure: it turns bytes into samples and gaps."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from inference.contract.audio import BYTES_PER_SAMPLE, FRAME_SAMPLES, Int16, samples_to_ms


@dataclass(slots=True)
class Lane:
    """A track being assembled. Nothing is overwritten: a frame that claims an occupied place is put after it."""

    end: int = 0
    _pieces: list[tuple[int, bytes]] = field(default_factory=list)
    _slips: list[tuple[int, int]] = field(default_factory=list)

    def slipped(self, sample: int, samples: int) -> None:
        """Marks what was placed here as padding, not sound, because the capture clock jumped."""
        self._slips.append((max(0, sample), sample + samples))

    def add(self, sample: int, pcm: bytes) -> None:
        """Places PCM16 at `sample` and drops whatever would lie before sample 0."""
        if sample < 0:
            pcm = pcm[-sample * BYTES_PER_SAMPLE :]
            sample = 0
        if pcm:
            start = max(sample, self.end)
            self._pieces.append((start, pcm))
            self.end = start + len(pcm) // BYTES_PER_SAMPLE

    def gaps(self, duration: int) -> list[list[int]]:
        """Returns [first sample, samples] of every stretch within `duration` that holds nothing or only padding."""
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
        """Returns the track as int16 [duration], with silence in the gaps."""
        track = np.zeros(duration, "<i2")
        for start, pcm in self._pieces:
            track[start : start + len(pcm) // BYTES_PER_SAMPLE] = np.frombuffer(pcm, "<i2")
        return track


class Delayed:
    """A lane that removes a converter's constant latency.

    A frame of converter output belongs to the input that entered `latency_samples` of *stream* earlier. After a gap in
    which no frame went in, that input lies before the gap, so input places are queued and given out in order.
    """

    def __init__(self, lane: Lane, latency_samples: int) -> None:
        self._lane = lane
        self._latency = latency_samples
        self._owed: deque[tuple[int, int]] = deque()
        self._warm_up = latency_samples

    def add(self, places: Sequence[int], pcm: bytes) -> None:
        """Adds one frame of output. `places` are those of the equally long parts of the input that went in with it."""
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
        """Starts again after frames of output were lost.

        The next `latency_samples` of output belong to earlier input, whose places are forgotten, so they are
        dropped."""
        self._owed.clear()
        self._warm_up = self._latency


@dataclass(frozen=True, slots=True)
class SlotClock:
    """Converts an engine's time to the microphone clock.

    An engine counts only the milliseconds of the steps it was given. `places` are the places of those steps on the
    microphone clock, so that the time in which it was not stepped is added back."""

    places: Sequence[int]

    def mic_ms(self, slot_ms: float) -> float:
        """Converts milliseconds of the slot to milliseconds of the microphone clock."""
        if not self.places:
            return slot_ms
        frame_ms = samples_to_ms(FRAME_SAMPLES)
        step = min(max(0, int(slot_ms // frame_ms)), len(self.places) - 1)
        return samples_to_ms(self.places[step]) + slot_ms - step * frame_ms


def playback_delay_samples(reports: Sequence[tuple[int, int]], steps: Sequence[tuple[int, int]]) -> int | None:
    """Returns how long after its place on the microphone clock an agent frame began to sound.

    This is the median over `reports` (sounding step, microphone sample) that match one of the `steps` (step, place),
    which are in ascending order; None if none match."""
    numbers = [step for step, _ in steps]
    delays = []
    for step, sample in reports:
        at = bisect_right(numbers, step) - 1
        if at >= 0 and numbers[at] == step:
            delays.append(sample - steps[at][1])
    return int(np.median(delays)) if delays else None
