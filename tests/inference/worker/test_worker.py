"""The inference worker over real sockets: leases, the queue, bad input, faults that stay where they are."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

import httpx
import numpy as np
import pytest

from inference.contract import wire
from inference.contract.audio import FRAME_SAMPLES
from inference.contract.client import Slot
from inference.contract.errors import SlotLost
from inference.contract.tokens import VoiceSegment
from inference.contract.wire import AudioFrame, ErrorMessage, Kind, Metadata, encode, encode_audio
from inference.engines.base import Engine
from inference.engines.echo import EchoEngine
from inference.worker.__main__ import Worker, listen
from inference.worker.doors.slot import MAX_MESSAGE_BYTES
from inference.worker.seats import INBOX_STEPS
from inference.worker.takes import ended
from tests.inference.running import (
    FaultyEngine,
    HeldEngine,
    end,
    everything,
    next_event,
    next_frames,
    noise_frame,
    open_take,
    raw_connection,
    running_worker,
    say,
)
from tests.waiting import until


def frames_of(messages: list[wire.Message], kind: Kind) -> list[AudioFrame]:
    return [message for message in messages if isinstance(message, AudioFrame) and message.kind == kind]


def heard_frame(step: int) -> AudioFrame:
    return AudioFrame(Kind.HEARD, step, step * FRAME_SAMPLES, noise_frame(step))


def agent_frame(step: int) -> AudioFrame:
    said = noise_frame(step - 1) if step else bytes(2 * FRAME_SAMPLES)
    return AudioFrame(Kind.AGENT, step, step * FRAME_SAMPLES, said)


async def test_take_from_live_to_ended() -> None:
    async with running_worker() as worker:
        slot = await open_take(worker)
        live = await next_event(slot, "live")
        await say(slot, *range(5))
        messages = await end(slot)
    assert live == {
        "engine": "echo",
        "snapshot": EchoEngine(1, {}).snapshot(),
        "voices": [{"name": "none", "version": "2", "latency_samples": 0, "parameters": {"delay_ms": 0.0}}],
        "latency_samples": 0,
        "resumed": False,
        "next_step": 0,
    }
    assert frames_of(messages, Kind.HEARD) == [heard_frame(step) for step in range(5)]
    assert frames_of(messages, Kind.AGENT) == [agent_frame(step) for step in range(5)]
    assert messages[-1] == ended("released")


async def test_frame_keeps_its_place_on_the_microphone_clock() -> None:
    async with running_worker() as worker:
        slot = await open_take(worker)
        await next_event(slot, "live")
        for step in range(2):
            await slot.send(encode_audio(Kind.PARTICIPANT, step, 31 + step * FRAME_SAMPLES, noise_frame(step)))
        messages = await end(slot)
    assert frames_of(messages, Kind.HEARD) == [
        AudioFrame(Kind.HEARD, step, 31 + step * FRAME_SAMPLES, noise_frame(step)) for step in range(2)
    ]


async def test_frame_sent_twice_is_heard_once() -> None:
    async with running_worker() as worker:
        slot = await open_take(worker)
        await next_event(slot, "live")
        await say(slot, 0, 1, 1, 0, 2)
        messages = await end(slot)
    assert [frame.sequence for frame in frames_of(messages, Kind.HEARD)] == [0, 1, 2]


async def test_voice_schedule_is_heard_and_told() -> None:
    at = 3 * FRAME_SAMPLES
    voices = (VoiceSegment("none", 0, at), VoiceSegment("transform", at, None, {"f0_ratio": 1.5}))
    async with running_worker() as worker:
        slot = await open_take(worker, voices=voices)
        live = await next_event(slot, "live")
        await say(slot, *range(8))
        messages = await end(slot)
    latency = live["latency_samples"]
    heard = b"".join(frame.pcm for frame in frames_of(messages, Kind.HEARD))
    own = b"".join(noise_frame(step) for step in range(3))
    assert [voice["name"] for voice in live["voices"]] == ["none", "transform"]
    assert latency > 0
    assert heard[: 2 * (latency + at)] == bytes(2 * latency) + own
    switch = {"converter": "transform", "requested_sample": at, "actual_sample": at}
    assert [m.data for m in messages if isinstance(m, Metadata) and m.event == "switch"] == [switch]


async def test_queue_position_falls_until_live() -> None:
    async with running_worker(slots=1) as worker:
        first, second, third = [await open_take(worker, take) for take in ("1", "2", "3")]
        assert [await next_event(slot, "queue") for slot in (second, third)] == [{"position": 1}, {"position": 2}]
        await first.close(end=True)
        assert (await next_event(second, "live"))["resumed"] is False
        assert await next_event(third, "queue") == {"position": 1}
        await second.close(end=True)
        await next_event(third, "live")


async def test_frames_while_waiting_are_passed_over() -> None:
    async with running_worker(slots=1) as worker:
        first, second = [await open_take(worker, take) for take in ("1", "2")]
        await next_event(second, "queue")
        await say(second, 0, 1)
        await first.close(end=True)
        assert (await next_event(second, "live"))["next_step"] == 0
        await say(second, 7)
        messages = await end(second)
    assert frames_of(messages, Kind.HEARD) == [heard_frame(7)]


async def test_reconnect_within_the_grace_goes_on() -> None:
    async with running_worker(slots=1) as worker:
        slot = await open_take(worker)
        await next_event(slot, "live")
        await say(slot, 0, 1)
        await next_frames(slot, Kind.AGENT, 2)
        await slot.close(end=False)
        again = await open_take(worker)
        live = await next_event(again, "live")
        await say(again, 2)
        messages = await end(again)
    assert (live["resumed"], live["next_step"]) == (True, 2)
    assert frames_of(messages, Kind.AGENT) == [agent_frame(2)]  # the same conversation: it says what step 1 heard


async def test_reconnect_gets_what_could_not_be_sent() -> None:
    HeldEngine.go.clear()
    HeldEngine.entered.clear()
    async with running_worker(HeldEngine) as worker:
        slot = await open_take(worker)
        await next_event(slot, "live")
        await say(slot, 0)
        await asyncio.to_thread(HeldEngine.entered.wait)
        await slot.close(end=False)
        HeldEngine.go.set()
        again = await open_take(worker)
        await next_event(again, "live")
        assert await next_frames(again, Kind.HEARD, 1) == [heard_frame(0)]


async def test_nobody_comes_back_within_the_grace() -> None:
    async with running_worker(slots=1, reconnect_grace_sec=0.05) as worker:
        slot = await open_take(worker, "1")
        await next_event(slot, "live")
        await slot.close(end=False)
        other = await open_take(worker, "2")
        await next_event(other, "live")  # the row is free again
        back = await open_take(worker, "1")
        assert await next_event(back, "queue") == {"position": 1}
        assert worker.takes.statistics.slots_ended == {"grace_over": 1}


async def test_reconnect_in_the_queue_keeps_the_place() -> None:
    async with running_worker(slots=1) as worker:
        first, second, third = [await open_take(worker, take) for take in ("1", "2", "3")]
        await next_event(third, "queue")
        await second.close(end=False)
        second = await open_take(worker, "2")
        assert await next_event(second, "queue") == {"position": 1}
        await first.close(end=True)
        assert (await next_event(second, "live"))["resumed"] is False


async def test_second_connection_takes_over() -> None:
    async with running_worker() as worker:
        old = await open_take(worker)
        await next_event(old, "live")
        new = await open_take(worker)
        assert (await next_event(new, "live"))["resumed"] is True
        messages, _ = await everything(old)
        await say(new, 0)
        remaining = await end(new)
    assert [m.data["reason"] for m in messages if isinstance(m, Metadata)] == ["replaced"]
    assert frames_of(remaining, Kind.HEARD) == [heard_frame(0)]


@pytest.mark.parametrize("fault", ["fail", "short", "not a number"])
async def test_one_slot_fails_alone(fault: str) -> None:
    async with running_worker(FaultyEngine, slots=2) as worker:
        good = await open_take(worker, "good")
        bad = await open_take(worker, "bad", text_prompt=fault)
        await next_event(good, "live")
        await next_event(bad, "live")
        await say(good, 0)
        await say(bad, 0)
        messages, _ = await everything(bad)
        await say(good, 1)
        rest = await end(good)
        after = await open_take(worker, "after")
        await next_event(after, "live")
        assert (worker.takes.table.slots, worker.takes.table.free_slots) == (2, 1)
    assert messages[-1] == ended("engine_failed")
    assert frames_of(messages, Kind.AGENT) == []
    assert frames_of(rest, Kind.AGENT) == [agent_frame(0), agent_frame(1)]


async def test_engine_raises_and_the_process_lives() -> None:
    async with running_worker(FaultyEngine, slots=1) as worker:
        bad = await open_take(worker, "bad", text_prompt="raise")
        await next_event(bad, "live")
        await say(bad, 0)
        messages, _ = await everything(bad)
        good = await open_take(worker, "good")
        await next_event(good, "live")
        await say(good, 0)
        rest = await end(good)
    assert messages[-1] == ended("engine_failed")
    assert frames_of(rest, Kind.AGENT) == [agent_frame(0)]


async def test_engine_that_raises_again_and_again_ends_the_worker() -> None:
    async with running_worker(FaultyEngine, slots=1) as worker:
        for take in ("1", "2", "3"):
            bad = await open_take(worker, take, text_prompt="raise")
            await next_event(bad, "live")
            await say(bad, 0)
            await everything(bad)
        await worker.takes.broken.wait()


@pytest.mark.parametrize(
    ("prompt", "code"), [("refuse", "bad_option"), ("break at open", "open_failed")], ids=["refused", "broken"]
)
async def test_open_fails_and_the_row_is_free_again(prompt: str, code: str) -> None:
    async with running_worker(FaultyEngine, slots=1) as worker:
        bad = await open_take(worker, "bad", text_prompt=prompt)
        messages, _ = await everything(bad)
        good = await open_take(worker, "good")
        await next_event(good, "live")
    assert [message.code for message in messages if isinstance(message, ErrorMessage)] == [code]


async def test_row_that_cannot_be_cleaned_is_out_of_service() -> None:
    async with running_worker(FaultyEngine, slots=2) as worker:
        bad = await open_take(worker, "bad", text_prompt="break at close")
        await next_event(bad, "live")
        await end(bad)
        assert (worker.takes.table.slots, worker.takes.table.free_slots) == (1, 1)
        good = await open_take(worker, "good")
        await next_event(good, "live")


async def test_engine_far_behind_drops_the_oldest_and_tells() -> None:
    HeldEngine.go.clear()
    HeldEngine.entered.clear()
    async with running_worker(HeldEngine) as worker:
        slot = await open_take(worker)
        await next_event(slot, "live")
        await say(slot, 0)
        await asyncio.to_thread(HeldEngine.entered.wait)
        await say(slot, *range(1, INBOX_STEPS + 4))
        await slot.send(encode(Metadata("end")))
        await until(lambda: worker.takes.statistics.frames_dropped["uplink"] >= 3)
        HeldEngine.go.set()
        messages, _ = await everything(slot)
    steps = [frame.sequence for frame in frames_of(messages, Kind.HEARD)]
    assert steps == [0, *range(4, INBOX_STEPS + 4)]
    overflow = [m.data for m in messages if isinstance(m, Metadata) and m.event == "overflow"]
    assert overflow == [{"direction": "uplink", "frames": 3}]


BAD_INPUT: dict[str, tuple[str | bytes, str]] = {
    "text": ("hello", "expected binary messages, got text"),
    "empty": (b"", "expected a message, got no bytes"),
    "unknown type": (b"\xff", "expected a known type byte, got 0xff"),
    "half a sample": (encode_audio(Kind.PARTICIPANT, 0, 0, b"\x00"), "expected 3840 bytes of audio, got 1"),
    "header cut short": (b"\x10\x00", "expected 3840 bytes of audio, got 0"),
    "oversized frame": (
        encode_audio(Kind.PARTICIPANT, 0, 0, bytes(7_680)),
        "expected 3840 bytes of audio, got 7680",
    ),
    "oversized message": (
        b"\x04" + bytes(MAX_MESSAGE_BYTES),
        f"expected at most {MAX_MESSAGE_BYTES} bytes, got {MAX_MESSAGE_BYTES + 1}",
    ),
    "agent frame": (
        encode_audio(Kind.AGENT, 0, 0, bytes(3_840)),
        "expected microphone frames or an end, got agent",
    ),
    "another event": (encode(Metadata("queue", {"position": 1})), "expected microphone frames or an end, got metadata"),
}


@pytest.mark.parametrize(("message", "complaint"), BAD_INPUT.values(), ids=BAD_INPUT)
async def test_bad_input(message: str | bytes, complaint: str) -> None:
    async with running_worker() as worker:
        connection = await raw_connection(worker)
        slot = Slot(connection)
        await next_event(slot, "live")
        await connection.send(message)
        messages, lost = await everything(slot)
        assert messages == [ErrorMessage("malformed_message", complaint)]
        assert (lost.reason, connection.close_code) == ("malformed_message", 1008)
        assert worker.takes.statistics.refused == {"malformed_message": 1}
        again = await open_take(worker, "raw")  # the take itself goes on
        assert (await next_event(again, "live"))["resumed"] is True


async def test_message_too_long_to_read() -> None:
    async with running_worker() as worker:
        connection = await raw_connection(worker)
        slot = Slot(connection)
        await next_event(slot, "live")
        with suppress(SlotLost):
            await slot.send(bytes(20 * MAX_MESSAGE_BYTES))
        messages, _ = await everything(slot)
        assert messages == []
        assert connection.close_code == 1009
        again = await open_take(worker, "raw")
        await next_event(again, "live")


async def test_stop_tells_everyone() -> None:
    async with running_worker(slots=1) as worker:
        talking, waiting = [await open_take(worker, take) for take in ("1", "2")]
        await next_event(talking, "live")
        await next_event(waiting, "queue")
        stopping = asyncio.create_task(worker.stop())
        reasons = [(await next_event(slot, "ended"))["reason"] for slot in (talking, waiting)]
        await stopping
    assert reasons == ["stopping", "stopping"]


async def test_health_and_metrics() -> None:
    async with running_worker(slots=3) as worker, httpx.AsyncClient(trust_env=False) as client:
        base = worker.address.replace("ws", "http")
        slot = await open_take(worker)
        await next_event(slot, "live")
        await say(slot, 0)
        await next_frames(slot, Kind.AGENT, 1)
        health = await client.get(f"{base}/healthz")
        scraped = await client.get(f"{base}/metrics")
        nothing = await client.get(f"{base}/elsewhere")
    values = dict(line.rsplit(" ", 1) for line in scraped.text.splitlines() if not line.startswith("#"))
    assert (health.status_code, health.json()) == (
        200,
        {"address": worker.address, "ready": True, "accepting": True, "free_slots": 2, "engines": ["echo"]},
    )
    assert (values["hearmeout_slots"], values["hearmeout_slots_free"]) == ("3.0", "2.0")
    assert (values["hearmeout_accepting"], values["hearmeout_draining"]) == ("1.0", "0.0")
    assert values['hearmeout_steps_total{engine="echo"}'] == values['hearmeout_row_steps_total{engine="echo"}'] == "1.0"
    assert values['hearmeout_occupancy{engine="echo"}'] == "1.0"
    assert float(values['hearmeout_step_p95_seconds{engine="echo"}']) > 0
    assert nothing.status_code == 404


async def test_messages_are_not_held_back_to_fill_packets() -> None:
    async with running_worker() as worker:
        slot = await open_take(worker)
        await next_event(slot, "live")
        sockets = [each.transport.get_extra_info("socket") for each in worker.connections]
        assert [each.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for each in sockets] == [1]


def test_listen_on_a_taken_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with listen("127.0.0.1", port) as other:
            assert port < other.getsockname()[1] < port + 20


@pytest.mark.parametrize("engine", [EchoEngine, FaultyEngine])
async def test_many_takes_at_once(engine: Callable[..., Engine]) -> None:
    steps = 6

    async def talk(worker: Worker, number: int) -> list[wire.Message]:
        slot = await open_take(worker, str(number))
        await next_event(slot, "live")
        shifted = range(100 * number, 100 * number + steps)
        await say(slot, *shifted)
        return await end(slot)

    async with running_worker(engine, slots=4) as worker:
        talks = await asyncio.gather(*(talk(worker, number) for number in range(12)))
        assert worker.takes.table.free_slots == 4
    for number, messages in enumerate(talks):
        expected = [np.frombuffer(noise_frame(100 * number + step), "<i2") for step in range(steps)]
        heard = [np.frombuffer(frame.pcm, "<i2") for frame in frames_of(messages, Kind.HEARD)]
        np.testing.assert_array_equal(heard, expected)
