"""Turns sound of any size, whenever it arrives, into exactly one frame per step, with events at their place in it.

Two kinds of servers are played. A *live* one sends a frame for every frame it hears. Sound that waits here then delays
the conversation, so what has not been needed for two seconds, beyond RESERVE_SAMPLES, is made up for by leaving out as
much silence; sound beyond MAX_DELAY_SAMPLES is dropped even if it is not silent. The other kind sends a whole answer as
fast as it can; the answer then waits for its time, however long, and is stopped when the participant interrupts.
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

WATCHED_STEPS: Final = 25  # sound that has not been needed for this long is in excess ...
RESERVE_SAMPLES: Final = FRAME_SAMPLES  # ... except for this much, kept against network jitter
MAX_DELAY_SAMPLES: Final = 3 * SAMPLE_RATE_HZ  # of a live server
MAX_ANSWER_SAMPLES: Final = 600 * SAMPLE_RATE_HZ  # of any server; a longer one cannot be a valid answer
BLOCK_SAMPLES: Final = SAMPLE_RATE_HZ // 100  # silence is left out in blocks of 10 ms
QUIET: Final = 0.005  # root mean square of such a block, about -46 dBFS
REMEMBERED_SPANS: Final = 256


class TooMuchSound(InferenceError):
    """The server sent more than MAX_ANSWER_SAMPLES ahead of its time."""

    code = "too_much_sound"


@dataclass(slots=True)
class _Run:
    """Waiting sound of one source."""

    source: str
    pcm: Float32


@dataclass(slots=True)
class _Span:
    """`length` samples of a source, from its `offset` on, that sounded at `at` on the slot's clock."""

    offset: int
    at: int
    length: int


@dataclass(slots=True)
class _Mark:
    source: str
    offset: int
    make: Callable[[int], Metadata]


class Playout:
    """The sound of one conversation, used by two threads.

    A *source* names a stretch of sound, such as an answer; offsets count samples from its first one. *The slot's clock*
    counts the samples given to the step loop."""

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
        self._least_waiting = 0  # samples left after a step, in the current WATCHED_STEPS
        self._watched = 0
        self._debt = 0  # samples of silence to leave out
        self._left_out = 0
        self._lost = 0
        self._gaps = 0  # steps for which a live server's sound was late

    # called by the conversation's task

    def add(self, pcm: Float32, source: str = "") -> None:
        """Appends float32 [n] to the waiting sound. Raises TooMuchSound."""
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
        """Notes that nothing follows for now: a last piece shorter than a frame need not wait for more."""
        with self._lock:
            self._complete = True

    def tell(self, event: Metadata) -> None:
        """Emits the event at the next step."""
        with self._lock:
            self._events.append(event)

    def mark(self, source: str, offset: int, make: Callable[[int], Metadata]) -> None:
        """Emits `make(at)` when the source's sample at `offset` is given to the step loop; `at` is its place on the
        slot's clock. If that is past, it is emitted at the next step; if the sound is stopped before, never."""
        with self._lock:
            self._marks.append(_Mark(source, offset, make))

    def stop(self) -> None:
        """Drops the waiting sound and its marks."""
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
        """Returns how many samples of the source have been given to the step loop."""
        with self._lock:
            return self._taken.get(source, 0)

    def place(self, source: str, offset: int) -> int | None:
        """Returns the sample's place on the slot's clock, or None while it has not been given to the step loop."""
        with self._lock:
            return self._place(source, offset)

    def counts(self) -> Counter[str]:
        """Returns the samples of silence left out, the samples of sound lost and, for a live server, the steps with a
        gap."""
        with self._lock:
            return Counter(left_out_samples=self._left_out, lost_samples=self._lost, gap_steps=self._gaps)

    # called by the step thread

    def take(self) -> StepOutput:
        """Returns the next frame, with silence where there is nothing to say, and its events."""
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
        """Leaves out the next block if it is silent; returns whether it did."""
        block = self._runs[0].pcm[:BLOCK_SAMPLES]
        if len(block) > self._debt or float(np.sqrt(np.mean(block * block))) >= QUIET:
            return False
        self._debt -= len(block)
        self._left_out += self._skip(len(block))
        return True

    def _skip(self, samples: int) -> int:
        """Removes up to `samples` from the waiting sound and returns how many it removed."""
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
                return span.at + max(0, offset - span.offset)  # a sample left out: where its neighbour sounded
        return self._now

    def _due_marks(self) -> list[Metadata]:
        """Removes the due marks and returns their events, in the order in which they were set."""
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
