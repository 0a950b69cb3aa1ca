"""A take whose participant is heard in somebody else's voice: web, inference worker and converter server, all real."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from http import HTTPStatus

import numpy as np
import pytest

from inference.contract.audio import FRAME_SAMPLES, FRAME_SEC, Float32, float32_to_pcm16, pcm16_to_float32
from inference.contract.client import Slot
from inference.contract.errors import OptionError
from inference.contract.tokens import VoiceSegment
from inference.contract.wire import ErrorMessage, Kind, Metadata, decode, encode_audio
from inference.converter_server.server import ConverterServer
from inference.worker.__main__ import Worker
from tests.inference.contract.test_tokens import SECRET
from tests.inference.converter_server.running import hang_up, running_server
from tests.inference.converter_server.test_server import Louder
from tests.inference.running import end, everything, next_event, next_frames, open_take, running_worker
from tests.inference.voices.test_targets import ANNA, Web, name_of, respond, web  # noqa: F401
from tests.signals import vowel

MARGIN_MS = 1_500  # so much time for a busy machine


@pytest.fixture
async def worker(web: Web, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Worker, ConverterServer]]:  # noqa: F811
    with running_server(Louder) as server:
        monkeypatch.setenv("REMOTE_VC_URL", server.address)
        monkeypatch.setenv("REMOTE_VC_MARGIN_MS", str(MARGIN_MS))
        async with running_worker(web_url=web.url, secret=SECRET, converters=("none", "remote_vc")) as worker:
            yield worker, server


async def speak(slot: Slot, samples: Float32) -> None:
    """In real time, as people do."""
    for step, frame in enumerate(samples.reshape(-1, FRAME_SAMPLES)):
        message = encode_audio(Kind.PARTICIPANT, step, step * FRAME_SAMPLES, float32_to_pcm16(frame))
        await slot.send(message)
        await asyncio.sleep(FRAME_SEC)


async def test_participant_is_heard_converted_and_never_as_they_are(worker: tuple[Worker, ConverterServer]) -> None:
    steps = 40
    spoken = (0.2 * vowel(130.0, steps * FRAME_SEC + 1)).astype(np.float32)[: steps * FRAME_SAMPLES]
    slot = await open_take(worker[0], secret=SECRET, voices=(VoiceSegment("remote_vc", target=name_of(ANNA)),))
    live = await next_event(slot, "live")
    latency = live["latency_samples"]
    assert live["voices"][0]["model"]["name"] == "louder"
    speaking = asyncio.create_task(speak(slot, spoken))
    frames = await next_frames(slot, Kind.HEARD, steps)
    await speaking
    await end(slot)
    heard = np.concatenate([pcm16_to_float32(frame.pcm) for frame in frames])
    assert not heard[: latency - 500].any()  # the resamplers ring a little before the first sample
    expected, got = 2 * spoken[: len(heard) - latency], heard[latency:]
    middle = slice(2_400, -2_400)
    assert 20 * np.log10((got - expected)[middle].std() / expected[middle].std()) < -30


async def test_lost_converter_server_ends_the_take_and_says_so(worker: tuple[Worker, ConverterServer]) -> None:
    slot = await open_take(worker[0], secret=SECRET, voices=(VoiceSegment("remote_vc", target=name_of(ANNA)),))
    await next_event(slot, "live")
    speaking = asyncio.create_task(speak(slot, np.full(100 * FRAME_SAMPLES, 0.1, np.float32)))
    await next_frames(slot, Kind.HEARD, 5)
    hang_up(worker[1])
    messages, _ = await everything(slot)
    speaking.cancel()
    assert isinstance(last := messages[-1], Metadata)
    assert (last.event, last.data["reason"]) == ("ended", "converter_failed")


async def test_lost_converter_server_gives_way_where_the_study_says_so(worker: tuple[Worker, ConverterServer]) -> None:
    voice = VoiceSegment("remote_vc", target=name_of(ANNA), fallback="none")
    slot = await open_take(worker[0], secret=SECRET, voices=(voice,))
    await next_event(slot, "live")
    speaking = asyncio.create_task(speak(slot, np.full(100 * FRAME_SAMPLES, 0.1, np.float32)))
    await next_frames(slot, Kind.HEARD, 5)
    hang_up(worker[1])
    switch = await next_event(slot, "switch")
    assert (switch["converter"], switch["fallback"]) == ("none", True)
    speaking.cancel()
    await end(slot)


async def test_withdrawn_target_is_refused_with_the_webs_words(
    worker: tuple[Worker, ConverterServer],
    web: Web,  # noqa: F811
) -> None:
    web.refusal = respond(HTTPStatus.GONE, b'{"message": "Its speaker withdrew."}')
    slot = await open_take(worker[0], secret=SECRET, voices=(VoiceSegment("remote_vc", target=name_of(ANNA)),))
    message = decode(await slot.receive())
    assert isinstance(message, ErrorMessage)
    assert "Its speaker withdrew." in message.message


async def test_take_without_a_target_is_refused(worker: tuple[Worker, ConverterServer]) -> None:
    with pytest.raises(OptionError, match="target"):
        await open_take(worker[0], secret=SECRET, voices=(VoiceSegment("remote_vc"),))
