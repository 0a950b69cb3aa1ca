"""The preview door: what is said comes back as an engine would hear it, and nobody who talks waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import cast

import numpy as np
import pytest
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.http11 import Request

from inference.contract.audio import FRAME_SAMPLES, pcm16_to_float32
from inference.contract.client import Slot, open_preview
from inference.contract.errors import InferenceError, OptionError, SlotLost, UnknownName
from inference.contract.tokens import PREVIEW, SLOT, PreviewRequest, SlotRequest, TokenReader, VoiceSegment, sign
from inference.contract.wire import AudioFrame, ErrorMessage, Kind, Metadata, encode, encode_audio
from inference.voices.transform import Transform
from inference.worker.__main__ import Worker
from inference.worker.doors import preview as preview_door
from tests.inference.running import (
    SECRET,
    HeldEngine,
    end,
    everything,
    next_event,
    next_frames,
    noise_frame,
    open_take,
    running_worker,
    say,
)

HIGHER = VoiceSegment("transform", parameters={"f0_ratio": 1.7})
STEPS = 62  # 5 s


@pytest.fixture
async def worker() -> AsyncIterator[Worker]:
    async with running_worker(slots=1) as worker:
        yield worker


async def preview(worker: Worker, *voices: VoiceSegment, latency_samples: int | None = None) -> Slot:
    return await open_preview(worker.address, PreviewRequest(voices, latency_samples), SECRET)


class Caller:
    """Someone at the door whose handshake is not over."""


def asking_for_a_preview() -> Request:
    token = sign(PREVIEW, PreviewRequest(), SECRET)
    return Request("/preview", Headers({"Authorization": f"Bearer {token}"}))


async def test_sentence_comes_back_as_the_engine_would_hear_it(worker: Worker) -> None:
    slot = await preview(worker, HIGHER)
    told = await next_event(slot, "preview")
    saying = asyncio.create_task(say(slot, *range(STEPS)))
    heard = await next_frames(slot, Kind.HEARD, STEPS)
    await saying
    stream = Transform().open(HIGHER.parameters)
    said = np.concatenate([pcm16_to_float32(noise_frame(step)) for step in range(STEPS)])
    expected = np.rint(stream.push(said) * 32_768)
    assert told["latency_samples"] == stream.latency_samples
    assert [frame.sequence for frame in heard] == list(range(STEPS))
    np.testing.assert_array_equal(np.frombuffer(b"".join(frame.pcm for frame in heard), "<i2"), expected)
    assert await end(slot) == []


async def test_own_voice_comes_as_late_as_asked_for(worker: Worker) -> None:
    slot = await preview(worker, VoiceSegment(), latency_samples=FRAME_SAMPLES)
    assert (await next_event(slot, "preview"))["latency_samples"] == FRAME_SAMPLES
    await say(slot, 0, 1)
    first, second = await next_frames(slot, Kind.HEARD, 2)
    assert (first.pcm, second.pcm) == (bytes(len(first.pcm)), noise_frame(0))


async def test_preview_takes_no_row(worker: Worker) -> None:
    slot = await preview(worker, VoiceSegment())
    talk = await open_take(worker)
    await next_event(talk, "live")
    assert worker.takes.table.free_slots == 0
    await say(slot, 0)
    assert len(await next_frames(slot, Kind.HEARD, 1)) == 1


async def test_step_is_not_held_up_by_a_preview() -> None:
    """While the engine steps nothing is converted beside it, and what waits is converted afterwards."""
    HeldEngine.go.clear()
    HeldEngine.entered.clear()
    async with running_worker(HeldEngine, slots=1) as worker:
        try:
            talk, slot = await open_take(worker), await preview(worker, VoiceSegment())
            await next_event(talk, "live")
            await next_event(slot, "preview")
            await say(talk, 0)
            await asyncio.to_thread(HeldEngine.entered.wait, 20)
            await say(slot, 0)
            heard = asyncio.create_task(next_frames(slot, Kind.HEARD, 1))
            assert not heard.done()
            HeldEngine.go.set()
            assert [frame.pcm for frame in await next_frames(talk, Kind.HEARD, 1)] == [noise_frame(0)]
            assert [frame.pcm for frame in await heard] == [noise_frame(0)]
        finally:
            HeldEngine.go.set()


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (PreviewRequest((VoiceSegment("robot"),)), UnknownName),
        (PreviewRequest((VoiceSegment("transform", parameters={"f0_ratio": 9.0}),)), OptionError),
        (PreviewRequest((HIGHER,), latency_samples=1), OptionError),
    ],
    ids=["unknown converter", "parameter out of range", "sooner than it can be"],
)
async def test_voice_that_cannot_be_is_refused(
    worker: Worker, request_: PreviewRequest, error: type[InferenceError]
) -> None:
    slot = await open_preview(worker.address, request_, SECRET)
    [message], _ = await everything(slot)
    assert isinstance(message, ErrorMessage)
    assert message.code == error.code


@pytest.mark.parametrize(
    "data",
    [
        encode_audio(Kind.PARTICIPANT, 0, 0, bytes(960)),
        encode_audio(Kind.AGENT, 0, 0, bytes(3_840)),
        encode(Metadata("mute", {"muted": True, "sample": 0})),
        b"",
        b"\xff nonsense",
    ],
    ids=["a quarter of a step", "the engine's frame", "another event", "nothing", "nonsense"],
)
async def test_what_is_no_frame_ends_it_and_the_worker_goes_on(worker: Worker, data: bytes) -> None:
    slot = await preview(worker, VoiceSegment())
    await next_event(slot, "preview")
    await slot.send(data)
    [message], _ = await everything(slot)
    assert isinstance(message, ErrorMessage)
    assert message.code == "malformed_message"
    assert (await next_event(await preview(worker, VoiceSegment()), "preview"))["latency_samples"] == 0


@pytest.mark.parametrize("kind", ["a take's", "another secret's", "used before", "none"])
async def test_token_that_opens_nothing(worker: Worker, kind: str) -> None:
    tokens = {
        "a take's": sign(SLOT, SlotRequest("take", "echo"), SECRET, to=worker.address),
        "another secret's": sign(PREVIEW, PreviewRequest(), "another secret, as long as it must be", to=worker.address),
        "used before": sign(PREVIEW, PreviewRequest(), SECRET, to=worker.address),
        "none": "",
    }
    headers = {"Authorization": f"Bearer {tokens[kind]}"}
    if kind == "used before":
        await connect(f"{worker.address}/preview", additional_headers=headers, proxy=None)
    with pytest.raises(InvalidStatus) as refused:
        await connect(f"{worker.address}/preview", additional_headers=headers, proxy=None)
    assert refused.value.response.status_code == 401


async def test_so_many_at_once_and_no_more(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_door, "MAX_PREVIEWS", 1)
    first = await preview(worker, VoiceSegment())
    await next_event(first, "preview")
    with pytest.raises(SlotLost, match="others are listening"):
        await preview(worker, VoiceSegment())
    await end(first)
    await next_event(await preview(worker, VoiceSegment()), "preview")


async def test_those_who_are_being_let_in_count_too(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_door, "MAX_PREVIEWS", 1)
    door = preview_door.PreviewDoor(worker.takes, TokenReader(SECRET))
    came = [cast(ServerConnection, Caller()) for _ in range(3)]
    answers = [await door.admit(each, asking_for_a_preview()) for each in came]
    assert [answer and answer.status_code for answer in answers] == [None, 503, 503]


async def test_sentence_without_end_is_cut_off(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_door, "MAX_STEPS", 3)
    slot = await preview(worker, VoiceSegment())
    await say(slot, *range(4))
    messages, _ = await everything(slot)
    assert [message.sequence for message in messages if isinstance(message, AudioFrame)] == [0, 1, 2]


async def test_worker_that_stops_lets_nobody_in(worker: Worker) -> None:
    worker.takes.draining = True
    with pytest.raises(SlotLost, match="stopping"):
        await preview(worker, VoiceSegment())
