"""Sound of any size, whenever it arrives -> exactly one frame a step, and events at their place in the sound.

Two kinds of servers are played. A *live* one speaks all the time, a frame for every frame it hears: what waits here is
delay that the participant feels, so when a frame or more has not been needed for two seconds, as much silence is left
out; and if there is no silence to leave out, sound beyond MAX_DELAY_SAMPLES is. The other kind sends a whole answer as
fast as it can: that waits for its time, however long, and stops when the participant interrupts.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final

import numpy as np

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32
from inference.contract.errors import InferenceError
from inference.contract.wire import Metadata
from inference.engines.base import StepOutput

WATCHED_STEPS: Final = 25  # sound that was not needed for so long need not wait
RESERVE_SAMPLES: Final = FRAME_SAMPLES  # but for this much, against unsteady networks
MAX_DELAY_SAMPLES: Final = 3 * SAMPLE_RATE_HZ  # of a live server
MAX_ANSWER_SAMPLES: Final = 600 * SAMPLE_RATE_HZ  # of any server: what is longer is no answer
BLOCK_SAMPLES: Final = SAMPLE_RATE_HZ // 100  # silence is left out in pieces of 10 ms
QUIET: Final = 0.005  # root mean square of such a piece, about -46 dBFS
REMEMBERED_SPANS: Final = 256


class TooMuchSound(InferenceError):
    """The server sent more than MAX_ANSWER_SAMPLES ahead of its time."""

    code = "too_much_sound"


@dataclass(slots=True)
class _Run:
    """Sound that waits, of one source."""

    source: str
    pcm: Float32


@dataclass(slots=True)
class _Span:
    """`length` samples of a source from its `offset` on, which sounded at `at` on the slot's clock."""

    offset: int
    at: int
    length: int


@dataclass(slots=True)
class _Mark:
    source: str
    offset: int
    make: Callable[[int], Metadata]


class Playout:
    """One conversation's, used by two threads. A *source* names a stretch of sound, an answer say; offsets count its
    samples from its own first one, and *the slot's clock* counts the samples given to the step loop."""

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._lock = Lock()
        self._runs: deque[_Run] = deque()
        self._waiting = 0  # samples in the runs
        self._held_back = False  # less than a frame waited at the last step
        self._complete = False
        self._taken: dict[str, int] = {}
        self._spans: dict[str, deque[_Span]] = {}
        self._marks: list[_Mark] = []
        self._events: list[Metadata] = []
        self._now = 0
        self._least_waiting = 0  # after a step, of the last WATCHED_STEPS
        self._watched = 0
        self._debt = 0  # samples of silence to leave out
        self._left_out = 0
        self._lost = 0
        self._gaps = 0  # steps that a live server's sound was late for

    # the conversation's task

    def add(self, pcm: Float32, source: str = "") -> None:
        """float32 [n] to be said after all that waits. Raises TooMuchSound."""
        with self._lock:
            if not len(pcm):
                return
            self._runs.append(_Run(source, pcm))
            self._waiting += len(pcm)
            self._complete = False
            if self._live and self._waiting > MAX_DELAY_SAMPLES:
                self._lost += self._skip(self._waiting - RESERVE_SAMPLES)
            elif self._waiting > MAX_ANSWER_SAMPLES:
                raise TooMuchSound

    def complete(self) -> None:
        """Nothing follows for now: a last piece shorter than a frame is not waited for."""
        with self._lock:
            self._complete = True

    def tell(self, event: Metadata) -> None:
        """At the next step."""
        with self._lock:
            self._events.append(event)

    def mark(self, source: str, offset: int, make: Callable[[int], Metadata]) -> None:
        """`make(at)` is told when the sample at `offset` of the source has been given away, with its place on the
        slot's clock; at the next step when that is past already. Forgotten when the sound is stopped before."""
        with self._lock:
            self._marks.append(_Mark(source, offset, make))

    def stop(self) -> None:
        """Says no more of what waits."""
        with self._lock:
            self._runs.clear()
            self._waiting = 0
            self._held_back = False
            self._marks = [mark for mark in self._marks if mark.offset < self._taken.get(mark.source, 0)]

    @property
    def now(self) -> int:
        """The slot's clock: samples given to the step loop, silence included."""
        return self._now

    def taken(self, source: str) -> int:
        """How many samples of the source have been given to the step loop."""
        with self._lock:
            return self._taken.get(source, 0)

    def place(self, source: str, offset: int) -> int | None:
        """When that sample was given away, on the slot's clock; None while it was not."""
        with self._lock:
            return self._place(source, offset)

    def counts(self) -> Counter[str]:
        """Samples of silence left out, samples of sound lost, steps with a gap in a live server's speech."""
        with self._lock:
            return Counter(left_out_samples=self._left_out, lost_samples=self._lost, gap_steps=self._gaps)

    # the step thread

    def take(self) -> StepOutput:
        """One frame, silence where there is nothing to say, and what happened in it."""
        with self._lock:
            pcm = np.zeros(FRAME_SAMPLES, np.float32)
            if self._waiting >= FRAME_SAMPLES or (self._waiting and (self._complete or self._held_back)):
                self._held_back = False
                self._fill(pcm)
            else:
                self._gaps += self._live and bool(self._taken)
                self._held_back = bool(self._waiting)
            self._now += FRAME_SAMPLES
            if self._live:
                self._watch()
            events, self._events = self._events, []
            return StepOutput(pcm, (*events, *self._due_marks()))

    def _fill(self, pcm: Float32) -> None:
        filled = 0
        while filled < FRAME_SAMPLES and self._runs:
            if self._debt and self._leave_out():
                continue
            run = self._runs[0]
            wanted = FRAME_SAMPLES - filled
            part = run.pcm[: min(wanted, BLOCK_SAMPLES) if self._debt else wanted]
            pcm[filled : filled + len(part)] = part
            self._remember(run.source, self._now + filled, len(part))
            self._skip(len(part))
            filled += len(part)

    def _leave_out(self) -> bool:
        """Passes over the next block, if it is silent."""
        block = self._runs[0].pcm[:BLOCK_SAMPLES]
        if len(block) > self._debt or float(np.sqrt(np.mean(block * block))) >= QUIET:
            return False
        self._debt -= len(block)
        self._left_out += self._skip(len(block))
        return True

    def _skip(self, samples: int) -> int:
        """Takes samples from what waits; returns how many."""
        left = min(samples, self._waiting)
        samples = left
        while left:
            run = self._runs[0]
            part = min(left, len(run.pcm))
            run.pcm = run.pcm[part:]
            left -= part
            self._taken[run.source] = self._taken.get(run.source, 0) + part
            if not len(run.pcm):
                self._runs.popleft()
        self._waiting -= samples
        return samples

    def _remember(self, source: str, at: int, length: int) -> None:
        offset = self._taken.get(source, 0)
        spans = self._spans.setdefault(source, deque(maxlen=REMEMBERED_SPANS))
        last = spans[-1] if spans else None
        if last and last.offset + last.length == offset and last.at + last.length == at:
            last.length += length
        else:
            spans.append(_Span(offset, at, length))

    def _place(self, source: str, offset: int) -> int | None:
        if offset >= self._taken.get(source, 0):
            return None
        for span in self._spans.get(source, ()):
            if offset < span.offset + span.length:
                return span.at + max(0, offset - span.offset)  # left out: where its neighbour sounded
        return self._now

    def _due_marks(self) -> list[Metadata]:
        """In the order in which they were set."""
        due, waiting = [], []
        for mark in self._marks:
            at = self._place(mark.source, mark.offset)
            if at is None:
                waiting.append(mark)
            else:
                due.append(mark.make(at))
        self._marks = waiting
        return due

    def _watch(self) -> None:
        self._least_waiting = min(self._least_waiting, self._waiting) if self._watched else self._waiting
        self._watched += 1
        if self._watched == WATCHED_STEPS:
            self._watched = 0
            self._debt = max(0, self._least_waiting - RESERVE_SAMPLES)
