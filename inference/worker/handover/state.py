"""The state of a live conversation, sent from a worker that is stopping to another one.

    GET /state/<take>   WebSocket of the worker that stops, `Authorization: Bearer <state token>`

The first message is the head: the length of its JSON (uint32, little-endian), the JSON (`Head`), then the PCM16 of the
remembered and of the waiting frames, FRAME_SAMPLES each. The engine's state follows in messages of at most PIECE_BYTES,
so that its size is not limited. The fetching worker closes with 1000 once the conversation continues there; after any
other code the stopping worker keeps the state for another one.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Final, Literal
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from inference.contract.audio import BYTES_PER_SAMPLE, FRAME_SAMPLES
from inference.contract.errors import SlotNotMovable
from inference.contract.tokens import STATE, sign
from inference.contract.wire import MAX_UINT32
from inference.worker.seats import INBOX_STEPS, REMEMBERED_STEPS, Frame

STATE_PATH: Final = "/state/"
PIECE_BYTES: Final = 1 << 20
OPEN_SEC: Final = 5.0
TRANSFER_SEC: Final = 30.0
CLOSE_SEC: Final = 1.0
NOT_TAKEN: Final = 4_000  # close code of a worker that could not continue the conversation
_FRAME_BYTES: Final = FRAME_SAMPLES * BYTES_PER_SAMPLE
_LENGTH: Final = struct.Struct("<I")

Whole = Annotated[int, Field(ge=0)]
Place = tuple[Annotated[int, Field(ge=0, le=MAX_UINT32)], Whole]  # step, sample


class Head(BaseModel):
    """The head of a state. `next_step` is that of the first microphone frame that the worker has not received;
    `remembered` are the last frames stepped, `waiting` those received but not stepped."""

    model_config = ConfigDict(extra="forbid")

    version: Literal[1] = 1
    take: str
    engine: str
    fingerprint: str
    next_step: Whole
    remembered: Annotated[list[Place], Field(max_length=REMEMBERED_STEPS)]
    waiting: Annotated[list[Place], Field(max_length=INBOX_STEPS)]
    state_bytes: Whole


@dataclass(frozen=True, slots=True)
class MovedState:
    """The state of a conversation, with the fields of `Head`; `engine_state` is what `Engine.export_slot` returned."""

    take: str
    engine: str
    fingerprint: str
    next_step: int
    remembered: tuple[Frame, ...]
    waiting: tuple[Frame, ...]
    engine_state: bytes


def pack_head(state: MovedState) -> bytes:
    """Encodes everything except the engine's state."""
    head = Head(
        take=state.take,
        engine=state.engine,
        fingerprint=state.fingerprint,
        next_step=state.next_step,
        remembered=[(frame.step, frame.sample) for frame in state.remembered],
        waiting=[(frame.step, frame.sample) for frame in state.waiting],
        state_bytes=len(state.engine_state),
    )
    text = head.model_dump_json().encode()
    return _LENGTH.pack(len(text)) + text + b"".join(frame.pcm for frame in (*state.remembered, *state.waiting))


def unpack_head(message: bytes) -> tuple[Head, bytes]:
    """Returns the head and its PCM. Raises SlotNotMovable for anything that `pack_head` did not make."""
    try:
        (length,) = _LENGTH.unpack_from(message)
        head = Head.model_validate_json(message[_LENGTH.size : _LENGTH.size + length])
    except (struct.error, ValidationError):
        raise SlotNotMovable("its state is damaged, or of another version of Hear Me Out") from None
    pcm = message[_LENGTH.size + length :]
    if len(pcm) != _FRAME_BYTES * (len(head.remembered) + len(head.waiting)):
        raise SlotNotMovable("its state is damaged: frames are missing")
    return head, pcm


def unpack(head: Head, pcm: bytes, pieces: Sequence[bytes]) -> MovedState:
    """Decodes the state. Raises SlotNotMovable if it is incomplete."""
    engine_state = b"".join(pieces)
    if len(engine_state) != head.state_bytes:
        raise SlotNotMovable(f"its state has {len(engine_state)} bytes instead of {head.state_bytes}")
    frames = tuple(
        Frame(step, sample, pcm[at * _FRAME_BYTES : (at + 1) * _FRAME_BYTES])
        for at, (step, sample) in enumerate((*head.remembered, *head.waiting))
    )
    split = len(head.remembered)
    return MovedState(
        head.take, head.engine, head.fingerprint, head.next_step, frames[:split], frames[split:], engine_state
    )


@asynccontextmanager
async def fetched_state(address: str, take: str, secret: str) -> AsyncIterator[MovedState]:
    """Yields the state of a take that the worker at `address` (ws:// or wss://) keeps. That worker gives the take up
    when the block ends; when the block raises, it keeps the take for another worker.

    Raises SlotNotMovable when the state is not there, refused, too slow or damaged."""
    socket = await _connect(address, take, secret)
    try:
        yield await _receive(socket)
    except BaseException:
        await socket.close(NOT_TAKEN)
        raise
    await socket.close()


async def _connect(address: str, take: str, secret: str) -> ClientConnection:
    if urlsplit(address).scheme not in {"ws", "wss"}:
        raise SlotNotMovable("the address it comes from is not an inference worker's")
    try:
        return await connect(
            f"{address}{STATE_PATH}{quote(take, safe='')}",
            additional_headers={"Authorization": f"Bearer {sign(STATE, take, secret, to=address)}"},
            compression=None,
            max_size=2 * PIECE_BYTES,
            open_timeout=OPEN_SEC,
            close_timeout=CLOSE_SEC,
            proxy=None,
        )
    except InvalidStatus as refused:
        raise SlotNotMovable(f"the worker it comes from answered {refused.response.status_code}") from None
    except (OSError, InvalidHandshake, InvalidURI) as error:
        raise SlotNotMovable(f"the worker it comes from cannot be reached ({type(error).__name__})") from None


async def _receive(socket: ClientConnection) -> MovedState:
    try:
        async with asyncio.timeout(TRANSFER_SEC):
            head, pcm = unpack_head(await socket.recv(decode=False))
            pieces: list[bytes] = []
            left = head.state_bytes
            while left > 0:
                pieces.append(await socket.recv(decode=False))
                left -= len(pieces[-1])
    except TimeoutError:
        raise SlotNotMovable(f"its state did not arrive within {TRANSFER_SEC:.0f} s") from None
    except ConnectionClosed:
        raise SlotNotMovable("the worker it comes from went away") from None
    return unpack(head, pcm, pieces)
