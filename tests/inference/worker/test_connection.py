"""What waits for a socket: bounded, never silent about what it dropped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from inference.contract import wire
from inference.contract.audio import FRAME_SAMPLES, UPLINK_SAMPLES
from inference.contract.errors import WireError
from inference.contract.tokens import SlotRequest
from inference.contract.wire import AudioFrame, Kind, Metadata, encode, encode_audio
from inference.voices.none import NoConversion
from inference.voices.schedule import VoiceSchedule
from inference.worker.connection import OUTBOX_MESSAGES, Connection
from inference.worker.seats import Delivery, Seat
from inference.worker.slots import Lease


def new_conversation() -> Connection:
    return Connection(Lease(SlotRequest("take-1", "echo")))


def uplink(sequence: int, sample: int, samples: int = FRAME_SAMPLES) -> bytes:
    return encode_audio(Kind.PARTICIPANT, sequence, sample, bytes([sequence % 256, 0]) * samples)


async def sent_by(conversation: Connection) -> list[wire.Message]:
    """Everything that a finished conversation sends."""

    async def carry(connection: ServerConnection) -> None:
        await conversation.carry(connection, None)

    async with serve(carry, "127.0.0.1", 0) as server:
        address = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with connect(address, proxy=None) as socket:
            return [wire.decode(data) async for data in socket if isinstance(data, bytes)]


def delivery(step: int, *events: Metadata) -> Delivery:
    seat = Seat(0, "echo", VoiceSchedule((), {"none": NoConversion()}))
    heard, agent = (encode_audio(kind, step, 0, b"\0\0") for kind in (Kind.HEARD, Kind.AGENT))
    return Delivery(seat, step, (heard, agent), tuple(encode(event) for event in events))


async def test_full_outbox_drops_audio_keeps_events_and_tells() -> None:
    conversation = new_conversation()
    full = OUTBOX_MESSAGES // 2
    word = Metadata("words", {"text": "a", "start_ms": 0, "end_ms": 1, "turn": 1})
    dropped = [conversation.deliver(delivery(step)) for step in range(full)]
    dropped.append(conversation.deliver(delivery(full, word)))
    last = Metadata("ended", {"reason": "released", "message": "Over."})
    conversation.finish(last)
    messages = await sent_by(conversation)
    assert dropped == [0] * full + [2]
    assert [message.sequence for message in messages[:-3] if isinstance(message, AudioFrame)] == [
        step for step in range(full) for _ in range(2)
    ]
    assert messages[-3:] == [word, Metadata("overflow", {"direction": "downlink", "frames": 2}), last]


def test_read_step() -> None:
    conversation = new_conversation()
    assert conversation.read(uplink(9, 7)) == (9, 7, bytes([9, 0]) * FRAME_SAMPLES)
    assert conversation.next_step == 10


def test_read_step_again() -> None:
    conversation = new_conversation()
    conversation.read(uplink(9, 7))
    assert [conversation.read(uplink(step, 7)) for step in (9, 3)] == [None, None]


@given(st.lists(st.integers(0, 12), max_size=40))
def test_read_after_any_loss_or_repetition_keeps_steps_rising(sent: list[int]) -> None:
    conversation = new_conversation()
    steps = [heard[0] for step in sent if (heard := conversation.read(uplink(step, FRAME_SAMPLES * step)))]
    assert steps == sorted({step for place, step in enumerate(sent) if step > max(sent[:place], default=-1)})


@pytest.mark.parametrize("samples", [0, 1, UPLINK_SAMPLES, 1_919, 1_921])
def test_read_other_sizes(samples: int) -> None:
    with pytest.raises(WireError) as caught:
        new_conversation().read(uplink(0, 0, samples))
    assert caught.value.found == str(2 * samples)
