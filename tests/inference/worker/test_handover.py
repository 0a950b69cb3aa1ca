"""A live talk moves from a worker that stops to another one: nothing lost, nothing doubled, nothing fetched twice."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import InvalidStatus

from inference.contract.audio import FRAME_SAMPLES
from inference.contract.client import Slot
from inference.contract.errors import SlotLost, SlotNotMovable
from inference.contract.tokens import SLOT, STATE, SlotRequest, VoiceSegment, sign
from inference.contract.wire import AudioFrame, ErrorMessage, Message, Metadata, decode
from inference.engines.base import SlotConfig
from inference.engines.echo import EchoEngine
from inference.worker.__main__ import Worker
from inference.worker.handover.state import MovedState, fetched_state, pack_head, unpack, unpack_head
from inference.worker.seats import REMEMBERED_STEPS, Frame
from inference.worker.takes import ended
from tests.inference.running import (
    SECRET,
    HeldEngine,
    converse,
    end,
    everything,
    next_event,
    noise_frame,
    open_take,
    running_worker,
    say,
)
from tests.waiting import until

TAKE = "a take/1 ü"  # any text names one
VOICES = {
    "own": (VoiceSegment(),),
    "changed": (VoiceSegment("transform", parameters={"f0_ratio": 1.5, "breathiness": 0.3}, seed=3),),
    "changing": (
        VoiceSegment("none", 0, 8 * FRAME_SAMPLES),
        VoiceSegment("transform", 8 * FRAME_SAMPLES, None, {"f0_ratio": 0.8}),
    ),
}


class ImmovableEngine(EchoEngine):
    movable = False


class OtherEngine(EchoEngine):
    """An echo of other weights."""

    def snapshot(self) -> dict[str, Any]:
        return {**super().snapshot(), "fingerprint": "another"}


class FullEngine(EchoEngine):
    """Has no memory left for anybody who comes in the middle of a talk."""

    def import_slot(self, slot: int, config: SlotConfig, state: bytes) -> None:
        raise MemoryError


class LargeEngine(EchoEngine):
    """Its state is larger than any message may be."""

    def export_slot(self, slot: int) -> bytes:
        return bytes(5_000_000) + super().export_slot(slot)

    def import_slot(self, slot: int, config: SlotConfig, state: bytes) -> None:
        super().import_slot(slot, config, state[5_000_000:])


@asynccontextmanager
async def draining(worker: Worker) -> AsyncIterator[None]:
    """The worker drains meanwhile; the block ends when it has."""
    task = asyncio.create_task(worker.drain())
    yield
    await task


async def until_moving(slot: Slot) -> tuple[list[Message], int]:
    """All that comes before `moving`, and the step at which the take goes on."""
    messages: list[Message] = []
    while True:
        message = decode(await slot.receive())
        if isinstance(message, Metadata) and message.event == "moving":
            return messages, message.data["next_step"]
        messages.append(message)


def heard_and_said(messages: list[Message]) -> list[Message]:
    """What the steps made: audio, and what the engine and the voice told of."""
    steps = {"words", "transcript", "turn", "switch", "overflow"}
    return [m for m in messages if isinstance(m, AudioFrame) or (isinstance(m, Metadata) and m.event in steps)]


async def unmoved(steps: int, **request: Any) -> list[Message]:
    """The same talk in one worker."""
    async with running_worker() as worker:
        slot = await open_take(worker, TAKE, **request)
        await next_event(slot, "live")
        messages = await converse(slot, range(steps))
        return heard_and_said(messages + await end(slot))


@pytest.mark.parametrize(
    ("voices", "move_at", "steps"),
    [
        (VOICES["own"], 6, 12),
        (VOICES["own"], 0, 3),
        (VOICES["own"], REMEMBERED_STEPS + 7, REMEMBERED_STEPS + 12),
        (VOICES["changed"], 6, 12),
        (VOICES["changing"], 6, 20),
        (VOICES["changing"], 14, 20),
    ],
    ids=["own voice", "before the first word", "long", "changed voice", "before a switch", "after a switch"],
)
async def test_moved_talk_is_the_unmoved_one(voices: tuple[VoiceSegment, ...], move_at: int, steps: int) -> None:
    request: dict[str, Any] = {"voices": voices, "text_prompt": "hello there", "seed": 7}
    async with running_worker() as leaving, running_worker() as staying:
        slot = await open_take(leaving, TAKE, **request)
        await next_event(slot, "live")
        messages = await converse(slot, range(move_at))
        async with draining(leaving):
            rest, next_step = await until_moving(slot)
            await say(slot, next_step, next_step + 1)  # too late: said again to the other worker
            other = await open_take(staying, TAKE, moved_from=leaving.address, **request)
            live = await next_event(other, "live")
            messages += rest + await converse(other, range(next_step, steps)) + await end(other)
            left, _ = await everything(slot)
        assert leaving.takes.statistics.slots_ended == {"moved": 1}
        assert (staying.takes.table.free_slots, leaving.takes.table.free_slots) == (2, 2)
    assert (next_step, live["next_step"], live["resumed"]) == (move_at, move_at, True)
    assert left == [ended("moved")]
    assert heard_and_said(messages) == await unmoved(steps, **request)


async def test_frames_that_no_step_has_heard_move_along() -> None:
    HeldEngine.go.clear()
    HeldEngine.entered.clear()
    async with running_worker(HeldEngine) as leaving, running_worker() as staying:
        slot = await open_take(leaving, TAKE)
        await next_event(slot, "live")
        await say(slot, 0)
        await asyncio.to_thread(HeldEngine.entered.wait)
        await say(slot, 1, 2, 3)
        conversation = leaving.takes.find(TAKE)
        assert conversation is not None
        await until(lambda: conversation.next_step >= 4)
        async with draining(leaving):
            await until(lambda: conversation.frozen)
            HeldEngine.go.set()
            before, next_step = await until_moving(slot)
            other = await open_take(staying, TAKE, moved_from=leaving.address)
            await next_event(other, "live")
            await say(other, *range(next_step, 6))
            after = await end(other)
    assert next_step == 4
    assert [m.sequence for m in before if isinstance(m, AudioFrame)] == [0, 0]
    assert heard_and_said(before) + heard_and_said(after) == await unmoved(6)


async def test_state_without_limit_of_size() -> None:
    async with running_worker(LargeEngine) as leaving, running_worker(LargeEngine) as staying:
        slot = await open_take(leaving, TAKE)
        await next_event(slot, "live")
        async with draining(leaving):
            await until_moving(slot)
            other = await open_take(staying, TAKE, moved_from=leaving.address)
            assert (await next_event(other, "live"))["resumed"] is True


async def test_talk_whose_socket_is_away_moves_too() -> None:
    async with running_worker() as leaving, running_worker() as staying:
        slot = await open_take(leaving, TAKE)
        await next_event(slot, "live")
        await slot.close(end=False)
        async with draining(leaving):
            await until(lambda: leaving.takes.draining, every_sec=0)
            with pytest.raises(SlotLost) as caught:
                await open_take(leaving, TAKE)
            other = await open_take(staying, TAKE, moved_from=leaving.address)
            assert (await next_event(other, "live"))["resumed"] is True
    assert caught.value.reason == "stopping"


async def test_talk_that_moves_here_goes_before_those_who_wait() -> None:
    async with running_worker() as leaving, running_worker(slots=1) as staying:
        slot = await open_take(leaving, TAKE)
        await next_event(slot, "live")
        talking, waiting = [await open_take(staying, take) for take in ("1", "2")]
        await next_event(waiting, "queue")
        async with draining(leaving):
            await until_moving(slot)
            other = await open_take(staying, TAKE, moved_from=leaving.address)
            assert await next_event(other, "queue") == {"position": 1}
            assert await next_event(waiting, "queue") == {"position": 2}
            await talking.close(end=True)
            assert (await next_event(other, "live"))["resumed"] is True


@pytest.mark.parametrize(
    ("engine", "code"), [(OtherEngine, "slot_not_movable"), (FullEngine, "open_failed")], ids=["model", "memory"]
)
async def test_worker_that_cannot_go_on_leaves_it_to_a_third(engine: type[EchoEngine], code: str) -> None:
    async with running_worker() as leaving, running_worker(engine) as unable, running_worker() as able:
        slot = await open_take(leaving, TAKE)
        await next_event(slot, "live")
        await say(slot, 0)
        async with draining(leaving):
            await until_moving(slot)
            refused = await open_take(unable, TAKE, moved_from=leaving.address)
            messages, _ = await everything(refused)
            assert unable.takes.table.free_slots == 2
            other = await open_take(able, TAKE, moved_from=leaving.address)
            assert (await next_event(other, "live"))["next_step"] == 1
    assert [message.code for message in messages if isinstance(message, ErrorMessage)] == [code]


@pytest.mark.parametrize("address", ["ws://127.0.0.1:{}", "http://127.0.0.1:{}", "/etc/passwd"])
async def test_worker_left_behind_is_gone(address: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    async with running_worker(slots=1) as worker:
        slot = await open_take(worker, TAKE, moved_from=address.format(port))
        messages, _ = await everything(slot)
        other = await open_take(worker, "another")
        await next_event(other, "live")  # the row is free again
    assert [message.code for message in messages if isinstance(message, ErrorMessage)] == ["slot_not_movable"]


async def test_nobody_fetches_it() -> None:
    async with running_worker(drain_sec=0.05) as worker:
        slot = await open_take(worker, TAKE)
        await next_event(slot, "live")
        await worker.drain()
        await worker.stop()
        messages, _ = await everything(slot)
    assert messages == [Metadata("moving", {"next_step": 0}), ended("stopping")]


async def test_talk_that_ends_meanwhile_is_not_kept() -> None:
    async with running_worker() as worker:
        slot = await open_take(worker, TAKE)
        await next_event(slot, "live")
        async with draining(worker):
            await until_moving(slot)
            assert await end(slot) == [ended("released")]


async def test_talks_that_cannot_move_and_those_that_wait_end_at_once() -> None:
    async with running_worker(ImmovableEngine, slots=1) as worker:
        talking, waiting = [await open_take(worker, take) for take in ("1", "2")]
        await next_event(talking, "live")
        await next_event(waiting, "queue")
        await worker.drain()
        assert [await everything(slot) for slot in (talking, waiting)]
        async with httpx.AsyncClient(trust_env=False) as client:
            health = await client.get(f"{worker.address.replace('ws', 'http')}/healthz")
        with pytest.raises(SlotLost):
            await open_take(worker, "3")
        assert worker.takes.statistics.slots_ended == {"stopping": 2}
    assert (health.status_code, health.json()) == (
        503,
        {"address": worker.address, "ready": False, "accepting": False, "free_slots": 0, "engines": ["echo"]},
    )


# the state's door


async def ask(worker: Worker, token: str, take: str = "take-1") -> ClientConnection:
    headers = {"Authorization": f"Bearer {token}"}
    return await connect(f"{worker.address}/state/{take}", additional_headers=headers, proxy=None)


async def refused(worker: Worker, token: str, take: str = "take-1") -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as caught:
        await ask(worker, token, take)
    return caught.value.response.status_code, caught.value.response.body.decode()


@asynccontextmanager
async def one_state() -> AsyncIterator[Worker]:
    """A worker that drains and keeps the state of take-1."""
    async with running_worker() as worker:
        slot = await open_take(worker)
        await next_event(slot, "live")
        task = asyncio.create_task(worker.drain())
        await until_moving(slot)
        yield worker
        task.cancel()


@pytest.mark.parametrize(
    ("make_token", "take", "reason"),
    [
        (lambda to: "", "take-1", "invalid"),
        (lambda to: sign(STATE, "take-1", "another secret, it is as long as it", 50, to=to), "take-1", "invalid"),
        (lambda to: sign(STATE, "take-1", SECRET, ttl_sec=-1, to=to), "take-1", "expired"),
        (lambda to: sign(SLOT, SlotRequest("take-1", "echo"), SECRET, 50, to=to), "take-1", "invalid"),
        (lambda to: sign(STATE, "take-2", SECRET, 50, to=to), "take-1", "invalid"),
        (lambda to: sign(STATE, "take-1", SECRET, 50, to=to), "", "invalid"),
    ],
    ids=["none", "other secret", "expired", "slot token", "another take's", "no take"],
)
async def test_state_refused(make_token: Callable[[str], str], take: str, reason: str) -> None:
    async with one_state() as worker:
        status, body = await refused(worker, make_token(worker.address), take)
        async with fetched_state(worker.address, "take-1", SECRET) as state:
            assert state.take == "take-1"  # it is still there
    assert status == HTTPStatus.UNAUTHORIZED
    assert f'"reason": "{reason}"' in body


async def test_state_with_a_token_used_before() -> None:
    async with one_state() as worker:
        token = sign(STATE, "take-1", SECRET, to=worker.address)
        await (await ask(worker, token)).close(4_000)
        status, body = await refused(worker, token)
    assert (status, '"reason": "replayed"' in body) == (HTTPStatus.UNAUTHORIZED, True)


@pytest.mark.parametrize("take", ["take-1", "take-2"], ids=["live", "unknown"])
async def test_state_of_a_take_that_does_not_move(take: str) -> None:
    async with running_worker() as worker:
        slot = await open_take(worker)
        await next_event(slot, "live")
        status, body = await refused(worker, sign(STATE, take, SECRET, to=worker.address), take)
    assert (status, '"code": "slot_not_movable"' in body) == (HTTPStatus.BAD_REQUEST, True)


async def test_state_fetched_twice() -> None:
    async with one_state() as worker:
        async with fetched_state(worker.address, "take-1", SECRET):
            with pytest.raises(SlotNotMovable):
                async with fetched_state(worker.address, "take-1", SECRET):
                    raise AssertionError
        with pytest.raises(SlotNotMovable):
            async with fetched_state(worker.address, "take-1", SECRET):
                raise AssertionError


async def test_state_not_taken_is_kept() -> None:
    async with one_state() as worker:
        with pytest.raises(KeyError):
            async with fetched_state(worker.address, "take-1", SECRET):
                raise KeyError
        async with fetched_state(worker.address, "take-1", SECRET) as state:
            assert state.next_step == 0
        assert worker.takes.statistics.slots_ended["stopping"] == 0


async def test_worker_vanishes_while_its_state_is_fetched() -> None:
    async def vanish(connection: ServerConnection) -> None:
        await connection.send(pack_head(MOVED))
        connection.transport.abort()

    async with serve(vanish, "127.0.0.1", 0) as server:
        address = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(SlotNotMovable) as caught:
            async with fetched_state(address, "take-1", SECRET):
                raise AssertionError
    assert caught.value.reason == "the worker it comes from went away"


# the state itself

MOVED = MovedState(
    "take-1",
    "echo",
    "f" * 64,
    31,
    (Frame(29, 29 * FRAME_SAMPLES, noise_frame(29)),),
    (Frame(30, 30 * FRAME_SAMPLES + 7, noise_frame(30)),),
    b"the engine's",
)
HEAD = pack_head(MOVED)


def test_pack_and_unpack() -> None:
    head, pcm = unpack_head(HEAD)
    assert unpack(head, pcm, [b"the ", b"engine's"]) == MOVED


def test_unpack_with_a_piece_missing() -> None:
    head, pcm = unpack_head(HEAD)
    with pytest.raises(SlotNotMovable):
        unpack(head, pcm, [b"the "])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"version":1', b'"version":2'),
        (b'"next_step":31', b'"next_step":-1'),
        (b'"take":"take-1"', b'"take":["ke-1"]'),
        (b"[30,", b"[3x,"),
        (b'"state_bytes"', b'"state_bites"'),
    ],
)
def test_unpack_head_of_another_kind(old: bytes, new: bytes) -> None:
    assert old in HEAD
    with pytest.raises(SlotNotMovable):
        unpack_head(HEAD.replace(old, new))


@given(st.binary(max_size=40) | st.integers(0, len(HEAD) - 1).map(lambda length: HEAD[:length]))
def test_unpack_head_of_any_bytes(data: bytes) -> None:
    with pytest.raises(SlotNotMovable):
        unpack_head(data)
