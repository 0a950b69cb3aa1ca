"""`/api/chat` over real sockets: who comes in, the stock protocol, bad input that harms nobody else."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from inference.contract.audio import FRAME_SAMPLES, Float32, float32_to_pcm16, pcm16_to_float32
from inference.contract.tokens import SLOT, SlotRequest, sign
from inference.contract.wire import Kind
from inference.worker.__main__ import Worker
from inference.worker.doors.chat import door
from inference.worker.doors.chat.__main__ import main
from inference.worker.doors.chat.door import MAX_FAULTS
from inference.worker.takes import ENDINGS
from tests.inference.running import (
    SECRET,
    FaultyEngine,
    HeldEngine,
    next_event,
    next_frames,
    noise_frame,
    open_take,
    running_worker,
    say,
)
from tests.inference.worker.doors.chat.stock import RawClient, heard_by_server, opus_messages, stock_client
from tests.waiting import until


def speech(frames: int, seed: int = 0) -> Float32:
    """Something loud enough to be a turn, different for every seed."""
    pitch_hz = 200 + 40 * seed
    samples = 0.3 * np.sin(2 * np.pi * pitch_hz / 24_000 * np.arange(frames * FRAME_SAMPLES))
    return np.asarray(samples, np.float32)


async def live_client(worker: Worker, query: str = "") -> RawClient:
    client = await RawClient.open(worker.address, query)
    await client.receive_until(Kind.METADATA)
    return client


def events(client: RawClient) -> list[str]:
    return [json.loads(body)["event"] for kind, body in client.others if kind == Kind.METADATA]


def errors(client: RawClient) -> list[str]:
    return [body.decode() for kind, body in client.others if kind == Kind.ERROR]


async def closed(client: RawClient) -> int | None:
    """Takes in everything to the end; the close code."""
    try:
        while True:
            await client.receive()
    except ConnectionClosed as end:
        return end.rcvd.code if end.rcvd else None


def echoed(*messages: list[bytes]) -> Float32:
    """What an echo answers, as the client hears it: one frame later, through the codec once more. The server reads each
    list of messages with a reader of its own."""
    heard = pcm16_to_float32(b"".join(float32_to_pcm16(heard_by_server(each)) for each in messages))
    return heard_by_server(opus_messages(np.concatenate([np.zeros(FRAME_SAMPLES, np.float32), heard])))[: len(heard)]


async def test_handshake_comes_first_and_an_echo_is_heard() -> None:
    async with running_worker(chat="open") as worker:
        client = await RawClient.open(worker.address, "?seed=5")
        assert await client.receive() == Kind.HANDSHAKE
        await client.receive_until(Kind.METADATA)
        said = opus_messages(speech(12))
        for message in said:
            await client.socket.send(message)
        await client.hear(12)
    assert client.others[0] == (Kind.HANDSHAKE, b"")
    assert json.loads(client.others[1][1]) == {"event": "live", "engine": "echo", "seed": 5, "unused": []}
    assert np.array_equal(client.heard, echoed(said))


async def test_words_are_pieces_with_a_space_before() -> None:
    async with running_worker(chat="open") as worker:
        client = await live_client(worker, "?text_prompt=one+two")
        for message in opus_messages(np.concatenate([speech(5), np.zeros(12 * FRAME_SAMPLES, np.float32)])):
            await client.socket.send(message)
        await client.receive_until(Kind.TEXT)
        await client.receive_until(Kind.TEXT)
    assert client.text == " one two"


async def test_stock_client_talks_and_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = np.concatenate([speech(10), np.zeros(15 * FRAME_SAMPLES, np.float32)])
    async with running_worker(chat="open") as worker:
        played, printed = await stock_client(
            monkeypatch,
            worker.address,
            samples,
            lambda played, printed: "echo" in printed and np.abs(played).max() > 0.2,
        )
    assert printed == " echo"
    assert np.abs(played).max() > 0.2


async def test_second_client_waits_with_its_place_and_pings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "PING_SEC", 0.02)
    async with running_worker(chat="open", slots=1) as worker:
        first = await live_client(worker)
        second = await RawClient.open(worker.address)
        for message in opus_messages(speech(30, seed=1)):
            await second.socket.send(message)
        await second.receive_until(Kind.PING)
        await second.receive_until(Kind.PING)
        waiting = [kind for kind, _ in second.others]
        await first.socket.close()
        await second.receive_until(Kind.HANDSHAKE)
        said = opus_messages(speech(6, seed=2))
        for message in said:
            await second.socket.send(message)
        await second.hear(6)
    assert waiting == [Kind.METADATA, Kind.PING, Kind.PING]
    assert json.loads(second.others[0][1]) == {"event": "queue", "position": 1}
    assert np.array_equal(second.heard, echoed(said))  # nothing of what it said in the queue


async def test_sound_sent_before_the_handshake_is_heard() -> None:
    async with running_worker(chat="open") as worker:
        client = await RawClient.open(worker.address)
        said = opus_messages(speech(6))
        for message in said:
            await client.socket.send(message)
        await client.hear(6)
    assert np.array_equal(client.heard, echoed(said))


async def test_burst_after_a_silence_is_heard_whole() -> None:
    frames = 48
    HeldEngine.go.clear()
    HeldEngine.entered.clear()
    async with running_worker(HeldEngine, chat="open") as worker:
        client = await live_client(worker)
        said = opus_messages(speech(frames))
        for message in said:
            await client.socket.send(message)
        await asyncio.to_thread(HeldEngine.entered.wait)
        HeldEngine.go.set()
        await client.hear(frames)
        assert worker.takes.statistics.frames_dropped["uplink"] == 0
    assert np.array_equal(client.heard, echoed(said))


BAD = {
    "text": "hello",
    "empty": b"",
    "unknown type": b"\x42",
    "not Ogg": b"\x01" + bytes(200),
    "too long": b"\x01" + bytes(100_000),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
async def test_bad_message_is_answered_and_the_talk_goes_on(bad: str | bytes) -> None:
    async with running_worker(chat="open") as worker:
        neighbour = await open_take(worker)
        await next_event(neighbour, "live")
        client = await live_client(worker)
        said = opus_messages(speech(6))
        for place, message in enumerate(said):
            if place == 3:
                await client.socket.send(bad)
            await client.socket.send(message)
            await say(neighbour, place)
        await client.hear(6)
        told = await next_frames(neighbour, Kind.AGENT, 6)
    assert len(errors(client)) == 1
    assert errors(client)[0].startswith("expected ")
    assert np.array_equal(client.heard, echoed(said) if bad != BAD["not Ogg"] else echoed(said[:3], said[3:]))
    assert [frame.pcm for frame in told[1:]] == [noise_frame(step) for step in range(5)]


@pytest.mark.parametrize("message", [b"\x00", b"\x02hello", b"\x03\x01", b'\x04{"event": "x"}', b"\x05no", b"\x06"])
async def test_messages_of_the_protocol_that_say_nothing_here_are_passed_over(message: bytes) -> None:
    async with running_worker(chat="open") as worker:
        client = await live_client(worker)
        await client.socket.send(message)
        for said in opus_messages(speech(2)):
            await client.socket.send(said)
        await client.hear(2)
    assert errors(client) == []


async def test_ten_megabytes_end_that_client_alone() -> None:
    async with running_worker(chat="open") as worker:
        neighbour = await open_take(worker)
        await next_event(neighbour, "live")
        client = await live_client(worker)
        await client.socket.send(b"\x01" + bytes(10_000_000))
        code = await closed(client)
        await say(neighbour, 0, 1)
        assert [frame.sequence for frame in await next_frames(neighbour, Kind.AGENT, 2)] == [0, 1]
    assert code == 1009


async def test_client_that_is_never_understood_is_shut_out() -> None:
    async with running_worker(chat="open") as worker:
        client = await live_client(worker)
        for _ in range(MAX_FAULTS):
            await client.socket.send(b"\x01" + bytes(60))
        code = await closed(client)
        await _all_free(worker)
    assert code == 1008
    assert errors(client) == ["expected Ogg-Opus, mono or stereo, got 60 other bytes"] * MAX_FAULTS


async def test_client_that_is_silent_for_long_is_shut_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "IDLE_SEC", 0.05)
    async with running_worker(chat="open") as worker:
        client = await live_client(worker)
        code = await closed(client)
        await _all_free(worker)
    assert (code, errors(client)) == (1008, ["expected sound, got none for 0 s"])


async def test_disconnect_in_mid_page_frees_the_slot() -> None:
    async with running_worker(chat="open", slots=1) as worker:
        client = await live_client(worker)
        message = opus_messages(speech(1))[0]
        await client.socket.send(message[: len(message) // 2])
        client.socket.transport.abort()
        await live_client(worker)


async def test_client_that_does_not_read_is_waited_for() -> None:
    """Its sound is kept back by the socket, step by step: nothing is dropped, nobody else waits."""
    async with running_worker(chat="open") as worker:
        client = await live_client(worker)
        said = opus_messages(speech(60))
        for message in said:
            await client.socket.send(message)
        neighbour = await open_take(worker)
        await next_event(neighbour, "live")
        await say(neighbour, 0, 1)
        await next_frames(neighbour, Kind.AGENT, 2)
        await client.hear(60)
    assert np.array_equal(client.heard, echoed(said))


async def test_most_steps_end_the_talk() -> None:
    async with running_worker(chat="open") as worker:
        client = await live_client(worker, "?max_steps=3")
        for message in opus_messages(speech(6)):
            await client.socket.send(message)
        code = await closed(client)
    assert (code, len(client.heard)) == (1000, 3 * FRAME_SAMPLES)
    assert events(client) == ["live", "turn", "turn", "ended"]


@pytest.mark.parametrize("query", ["?engine=parrot", "?voice=angelic", "?voice_prompt=NATF0.pt", "?audio_topk=many"])
async def test_what_cannot_be_had_is_refused_in_a_message(query: str) -> None:
    async with running_worker(chat="open") as worker:
        client = await RawClient.open(worker.address, query)
        code = await closed(client)
        assert sum(worker.takes.statistics.refused.values()) == 1
    assert code == 1008
    assert [kind for kind, _ in client.others] == [Kind.ERROR]


async def test_engine_that_fails_says_so() -> None:
    async with running_worker(FaultyEngine, chat="open") as worker:
        client = await live_client(worker, "?text_prompt=fail")
        await client.socket.send(opus_messages(speech(1))[0])
        await closed(client)
    assert errors(client) == [ENDINGS["engine_failed"]]


async def test_encoder_that_dies_ends_the_talks_it_encoded_for_and_no_later_one() -> None:
    async with running_worker(chat="open") as worker:
        client = await live_client(worker)
        said = opus_messages(speech(4))
        await client.socket.send(said[0])
        await client.hear(1)
        (encoder,) = [
            child for child in psutil.Process().children() if "inference.worker.doors.chat.encoder" in child.cmdline()
        ]
        encoder.kill()
        await client.socket.send(said[1])
        code = await closed(client)
        again = await live_client(worker)
        for message in said:
            await again.socket.send(message)
        await again.hear(4)
    assert code == 1008
    assert errors(client) == ["the conversation partner stopped: what it says cannot be encoded any more"]
    assert np.array_equal(again.heard, echoed(said))


async def test_worker_that_stops_says_so() -> None:
    async with running_worker(chat="open") as worker:
        client = await live_client(worker)
        await worker.stop()
        await closed(client)
    assert errors(client) == [ENDINGS["stopping"]]


@pytest.mark.parametrize(("policy", "status"), [("off", 403), ("token", 401)])
async def test_door_that_is_not_open_refuses_strangers(policy: str, status: int) -> None:
    async with running_worker(chat=policy) as worker:
        with pytest.raises(InvalidStatus) as refusal:
            await RawClient.open(worker.address)
    assert refusal.value.response.status_code == status
    assert set(json.loads(refusal.value.response.body)) == {"code", "message", "fields"}


def chat_token(worker: Worker, **request: str) -> str:
    return sign(SLOT, SlotRequest("take-1", "echo", **request), SECRET, to=worker.address)  # type: ignore[arg-type]


@pytest.mark.parametrize("place", ["header", "query", "path"])
async def test_slot_token_opens_once_and_says_everything(place: str) -> None:
    async with running_worker(chat="token") as worker:
        token = chat_token(worker, text_prompt="from the token")

        async def knock() -> RawClient:
            match place:
                case "header":
                    return await RawClient.open(worker.address, "?text_prompt=asked", Authorization=f"Bearer {token}")
                case "query":
                    return await RawClient.open(worker.address, f"?token={token}&text_prompt=asked")
            return await RawClient.open(f"{worker.address}/{token}", "?text_prompt=asked")

        client = await knock()
        await client.receive_until(Kind.HANDSHAKE)
        for message in opus_messages(np.concatenate([speech(4), np.zeros(10 * FRAME_SAMPLES, np.float32)])):
            await client.socket.send(message)
        await client.receive_until(Kind.TEXT)
        with pytest.raises(InvalidStatus):
            await knock()
    assert client.text == " from"


async def test_token_of_the_slot_door_does_not_open_this_one_again() -> None:
    async with running_worker(chat="token") as worker:
        token = chat_token(worker)
        await RawClient.open(worker.address, f"?token={token}")
        with pytest.raises(InvalidStatus):
            await RawClient.open(worker.address, Authorization=f"Bearer {token}")


async def _all_free(worker: Worker) -> None:
    """Until every slot can be lent again."""
    await until(lambda: worker.takes.table.free_slots == worker.takes.table.slots)


async def test_printed_token_opens_the_door(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WORKER_SECRET", SECRET)
    async with running_worker(chat="token") as worker:
        assert main(["--engine", "echo", "--text-prompt", "printed", "--worker", worker.address]) == 0
        token = capsys.readouterr().out.strip()
        client = await RawClient.open(f"{worker.address}/{token}")
        await client.receive_until(Kind.HANDSHAKE)
        for message in opus_messages(np.concatenate([speech(4), np.zeros(10 * FRAME_SAMPLES, np.float32)])):
            await client.socket.send(message)
        await client.receive_until(Kind.TEXT)
    assert client.text == " printed"


def test_no_token_without_the_secret(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("WORKER_SECRET", "short")
    assert main(["--engine", "echo"]) == 2
    assert capsys.readouterr().err == "WORKER_SECRET: should be the web's, 32 characters or more\n"


async def test_token_of_one_worker_does_not_open_another() -> None:
    async with running_worker(chat="token") as worker, running_worker(chat="token") as second:
        token = chat_token(worker)
        for address in (f"{second.address}/api/chat", f"{second.address}/slot"):
            with pytest.raises(InvalidStatus) as refusal:
                await connect(address, additional_headers={"Authorization": f"Bearer {token}"}, proxy=None)
            assert refusal.value.response.status_code == 401
        await RawClient.open(worker.address, Authorization=f"Bearer {token}")


@pytest.mark.parametrize("valid_min", ["0", "-1", "61", "5256000"])
def test_no_token_for_years(valid_min: str) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["--engine", "echo", "--valid-min", valid_min])
    assert refused.value.code == 2
