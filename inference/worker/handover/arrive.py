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

REPLAY_STEPS: Final = 5  # replayed together, between the steps of live takes


class SeatedTake(NamedTuple):
    """`next_step` is the first frame that is still to come, `waiting` are those that came before and are unheard."""

    seat: Seat
    next_step: int = 0
    waiting: tuple[Frame, ...] = ()


@asynccontextmanager
async def seated(
    steps: StepLoop, targets: TargetVoices, row: int, request: SlotRequest, secret: str
) -> AsyncIterator[SeatedTake]:
    """Seats a take in a clean row; a take that moves is given up by its former worker when the block ends.

    Raises whatever the engine or a converter does, TargetUnavailable and SlotNotMovable; the row is clean then."""
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
    """Teaches the converters the target voices that a schedule needs: on a thread of its own, since it takes its time.
    Raises TargetUnavailable, RemoteLost."""
    for segment in voices:
        converter = steps.converters.get(segment.converter)
        if segment.target and converter is not None and converter.needs_target:
            reference = await targets.fetch(segment.target)
            await asyncio.to_thread(converter.enrol, segment.target, reference)
