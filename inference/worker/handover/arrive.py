"""Seats a take, which either begins here or continues from another worker (see `leave`)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple

from inference.contract.tokens import SlotRequest, VoiceSegment
from inference.voices.targets import TargetVoices
from inference.worker.handover.state import fetched_state
from inference.worker.seats import Frame, Seat
from inference.worker.steps import StepLoop

REPLAY_STEPS: Final = 5  # frames replayed at once, between the steps of live takes


class SeatedTake(NamedTuple):
    """A take in its seat. `next_step` is that of the first frame still to come; `waiting` are earlier, unstepped
    frames."""

    seat: Seat
    next_step: int = 0
    waiting: tuple[Frame, ...] = ()


@asynccontextmanager
async def seated(
    steps: StepLoop, targets: TargetVoices, row: int, request: SlotRequest, secret: str
) -> AsyncIterator[SeatedTake]:
    """Seats a take in a clean row. If the take moves here, its former worker gives it up when the block ends normally.

    Raises TargetUnavailable, SlotNotMovable and whatever the engine or a converter raises; the row is then clean."""
    await enrol(steps, targets, request.voices)
    if not request.moved_from:
        yield SeatedTake(await asyncio.wrap_future(steps.open(row, request)))
        return
    async with fetched_state(request.moved_from, request.take, secret) as state:
        seat = await asyncio.wrap_future(steps.seat(row, request))
        for start in range(0, len(state.remembered), REPLAY_STEPS):
            await asyncio.wrap_future(steps.replay(seat, state.remembered[start : start + REPLAY_STEPS]))
        await asyncio.wrap_future(steps.go_on(seat, request, state))
        yield SeatedTake(seat, state.next_step, state.waiting)


async def enrol(steps: StepLoop, targets: TargetVoices, voices: Sequence[VoiceSegment]) -> None:
    """Enrols the target voices of a schedule with their converters, on another thread because enrolment is slow.

    Raises TargetUnavailable and RemoteLost."""
    for segment in voices:
        converter = steps.converters.get(segment.converter)
        if segment.target and converter is not None and converter.needs_target:
            reference = await targets.fetch(segment.target)
            await asyncio.to_thread(converter.enrol, segment.target, reference)
