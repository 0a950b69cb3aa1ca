"""A take in a row of the batch: the frames that wait for its steps, and the output of a step."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

import numpy as np

from inference.contract.audio import FRAME_SAMPLES, FRAME_SEC, Float32, float32_to_pcm16
from inference.contract.wire import Kind, Metadata, encode, encode_audio
from inference.engines.base import StepOutput
from inference.voices.schedule import VoiceSchedule

INBOX_STEPS: Final = 12  # about a second; an engine that is further behind drops the oldest frame
REMEMBERED_STEPS: Final = 50  # four seconds, which warm the voice up again when the take moves to another worker


class Frame(NamedTuple):
    """The input of one engine step of a row: `pcm` is PCM16 [FRAME_SAMPLES], `sample` its place on the microphone
    clock.

    `exact`, float32 [FRAME_SAMPLES], replaces `pcm` where no track is kept, so that nothing needs to be rounded."""

    step: int
    sample: int
    pcm: bytes
    exact: Float32 | None = None


@dataclass(eq=False, slots=True)
class Seat:
    """A take in a row of an engine's batch. Times are in seconds of time.monotonic.

    `owed_at` is when the row's next step falls due: when its frame arrived or, for a row that is behind, one frame's
    duration after its last step or due time. `dropped` counts inbox overflow, `reported` how much of it the client was
    told about."""

    row: int
    engine: str
    voices: VoiceSchedule
    inbox: deque[Frame] = field(default_factory=deque)
    remembered: deque[Frame] = field(default_factory=lambda: deque(maxlen=REMEMBERED_STEPS))
    last_arrival: float = -math.inf
    owed_at: float = math.inf
    dropped: int = 0
    reported: int = 0

    def put(self, frame: Frame, now: float) -> bool:
        """Queues a frame. Returns False if the oldest one was dropped for it."""
        self.last_arrival = now
        self.inbox.append(frame)
        if len(self.inbox) == 1:
            self.owed_at = now
        elif len(self.inbox) == 2 and self.owed_at <= now:
            self.owed_at += FRAME_SEC
        if len(self.inbox) <= INBOX_STEPS:
            return True
        self.inbox.popleft()
        self.dropped += 1
        return False

    def take(self, now: float) -> Frame:
        """Returns the frame for the step that begins now."""
        frame = self.inbox.popleft()
        self.owed_at = now + FRAME_SEC if self.inbox else math.inf
        self.remembered.append(frame)
        return frame


@dataclass(frozen=True, slots=True)
class Delivery:
    """The encoded output of one step for one frame: heard, agent, then events."""

    seat: Seat
    step: int
    audio: tuple[bytes, bytes]
    events: tuple[bytes, ...]


class Listener(Protocol):
    """The recipient of the step loop's results; all three methods are called on the loop's thread."""

    def deliver(self, deliveries: Sequence[Delivery]) -> None: ...

    def seat_failed(self, seat: Seat, reason: str, error: Exception) -> None: ...

    def loop_ended(self, error: Exception | None) -> None: ...


def delivery(seat: Seat, frame: Frame, heard: bytes, switches: Sequence[Metadata], output: StepOutput) -> Delivery:
    """Encodes a step's output. Raises ValueError or WireError if it breaks the engines' contract."""
    if output.pcm.shape != (FRAME_SAMPLES,):
        raise ValueError(f"the engine returned {output.pcm.shape} instead of {FRAME_SAMPLES} samples")
    if not np.isfinite(output.pcm).all():
        raise ValueError("the engine returned samples that are not numbers")
    overflow = []
    dropped = seat.dropped
    if dropped > seat.reported:
        overflow.append(Metadata("overflow", {"direction": "uplink", "frames": dropped - seat.reported}))
        seat.reported = dropped
    agent = float32_to_pcm16(output.pcm)
    audio = (
        encode_audio(Kind.HEARD, frame.step, frame.sample, heard),
        encode_audio(Kind.AGENT, frame.step, frame.sample, agent),
    )
    return Delivery(seat, frame.step, audio, tuple(encode(event) for event in (*overflow, *switches, *output.events)))
