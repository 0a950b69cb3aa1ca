"""The near end of the relay benchmark: so many participants at a microphone's pace, in one process.

python -m tests.bench.relay_load '{"direct": false, "targets": [[url, token or ""], ...], "seconds": 8}'

Through the relay each sends 20 ms frames and playback reports, as the page does; directly to the worker, one frame a
step. Prints START and STOP around the measured time, then the results as JSON. The latency of a step counts from the
frame that completes it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import sys
import time
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from inference.contract.audio import (
    BYTES_PER_SAMPLE,
    FRAME_MS,
    FRAME_SAMPLES,
    UPLINK_MS,
    UPLINK_PER_FRAME,
    UPLINK_SAMPLES,
)
from inference.contract.wire import AUDIO_HEADER, Ack, Kind, Metadata, Playback, decode, encode
from tests.bench.relay_stamps import SENT, STAMPS

WARM_UP_SEC: Final = 2.0
LAST_ANSWERS_SEC: Final = 3.0
CONNECTING_AT_ONCE: Final = 10
REPORT_EVERY_STEPS: Final = 5
REST: Final = random.Random(1).randbytes(UPLINK_SAMPLES * BYTES_PER_SAMPLE - SENT.size)
WHOLE_BEFORE: Final = random.Random(2).randbytes((UPLINK_PER_FRAME - 1) * UPLINK_SAMPLES * BYTES_PER_SAMPLE)


@dataclass
class Measured:
    """Nanoseconds, for steps completed within the window."""

    start_ns: int = 2**63 - 1
    stop_ns: int = 2**63 - 1
    up_ns: list[int] = field(default_factory=list)
    down_ns: list[int] = field(default_factory=list)
    lag_ns: list[int] = field(default_factory=list)  # how late this process itself was with a frame
    sent_steps: int = 0
    out_of_order: int = 0


class Participant(WSListener):
    """One socket. `frames` and `acknowledged` count microphone frames, over the whole talk."""

    def __init__(self, measured: Measured, *, direct: bool) -> None:
        self.live = asyncio.Event()
        self.failed = ""
        self.frames = 0
        self.acknowledged = 0
        self._measured = measured
        self._direct = direct
        self._last_step = -1
        self._transport: WSTransport

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        now_ns = time.monotonic_ns()
        if frame.msg_type == WSMsgType.CLOSE:
            self.failed = self.failed or "closed"
            self.live.set()
            transport.disconnect()
            return
        payload = frame.get_payload_as_bytes()
        match payload[0]:
            case Kind.AGENT:
                self._on_agent(payload, now_ns)
            case Kind.HEARD:
                pass
            case Kind.ACK:
                message = decode(payload)
                assert isinstance(message, Ack)
                self.acknowledged = message.sequence + 1
            case _:
                match decode(payload):
                    case Metadata("live"):
                        self.live.set()
                    case Metadata("hello" | "queue"):
                        pass
                    case other:
                        self.failed = str(other)

    def _on_agent(self, payload: bytes, now_ns: int) -> None:
        _, step, sample = AUDIO_HEADER.unpack_from(payload)
        sent_ns, received_ns, answered_ns = STAMPS.unpack_from(payload, AUDIO_HEADER.size)
        measured = self._measured
        if step != self._last_step + 1:
            measured.out_of_order += step <= self._last_step
        self._last_step = max(step, self._last_step)
        if measured.start_ns <= sent_ns < measured.stop_ns:
            measured.up_ns.append(received_ns - sent_ns)
            measured.down_ns.append(now_ns - answered_ns)
        if not self._direct and step % REPORT_EVERY_STEPS == 0:
            self._transport.send(WSMsgType.BINARY, encode(Playback(step, max(step - 2, 0), sample, FRAME_SAMPLES, 0)))

    async def talk(self, start_sec: float, until_sec: float) -> None:
        """Sends at a microphone's pace between two moments of the loop's clock."""
        loop = asyncio.get_running_loop()
        pace_sec = (FRAME_MS if self._direct else UPLINK_MS) / 1_000
        due = start_sec + random.random() * FRAME_MS / 1_000
        while due < until_sec and not self.failed:
            await asyncio.sleep(due - loop.time())
            now_ns = time.monotonic_ns()
            completes_step = self._direct or self.frames % UPLINK_PER_FRAME == UPLINK_PER_FRAME - 1
            if self._measured.start_ns <= now_ns < self._measured.stop_ns:
                self._measured.sent_steps += completes_step
                self._measured.lag_ns.append(int((loop.time() - due) * 1e9))
            samples = FRAME_SAMPLES if self._direct else UPLINK_SAMPLES
            header = AUDIO_HEADER.pack(Kind.PARTICIPANT, self.frames, self.frames * samples)
            before = WHOLE_BEFORE if self._direct else b""
            self._transport.send(WSMsgType.BINARY, header + before + SENT.pack(now_ns) + REST)
            self.frames += 1
            due += pace_sec

    def end(self) -> None:
        if not self.failed:
            self._transport.send(WSMsgType.BINARY, encode(Metadata("end")))


async def connect(measured: Measured, url: str, token: str, *, direct: bool) -> Participant:
    """A participant whose conversation is live."""
    origin = "http://" + url.split("/")[2]
    headers = {"Origin": origin, **({"Authorization": f"Bearer {token}"} if token else {})}
    _, listener = await ws_connect(lambda: Participant(measured, direct=direct), url, extra_headers=headers)
    assert isinstance(listener, Participant)
    await asyncio.wait_for(listener.live.wait(), 30)
    if listener.failed:
        raise RuntimeError(listener.failed)
    return listener


async def run(*, direct: bool, targets: list[tuple[str, str]], seconds: float) -> None:
    measured = Measured()
    gate = asyncio.Semaphore(CONNECTING_AT_ONCE)

    async def connect_one(url: str, token: str) -> Participant:
        async with gate:
            return await connect(measured, url, token, direct=direct)

    participants = await asyncio.gather(*(connect_one(url, token) for url, token in targets))
    gc.collect()
    gc.freeze()
    gc.disable()
    loop = asyncio.get_running_loop()
    start_sec = loop.time() + 0.1
    until_sec = start_sec + WARM_UP_SEC + seconds + 0.2
    talks = asyncio.gather(*(each.talk(start_sec, until_sec) for each in participants))
    await asyncio.sleep(WARM_UP_SEC)
    measured.start_ns = time.monotonic_ns()
    measured.stop_ns = measured.start_ns + int(seconds * 1e9)
    print("START", flush=True)
    await asyncio.sleep(seconds)
    print("STOP", flush=True)
    await talks
    await asyncio.sleep(LAST_ANSWERS_SEC)
    results = {
        "sent_steps": measured.sent_steps,
        "answered_steps": len(measured.up_ns),
        "out_of_order": measured.out_of_order,
        "unacknowledged": 0 if direct else sum(each.frames - each.acknowledged for each in participants),
        "failed": sorted({each.failed for each in participants if each.failed}),
        "one_way_ms": percentiles(measured.up_ns + measured.down_ns),
        "up_ms": percentiles(measured.up_ns),
        "down_ms": percentiles(measured.down_ns),
        "lag_ms": percentiles(measured.lag_ns),
    }
    for participant in participants:
        participant.end()
    await asyncio.sleep(0.5)
    print(json.dumps(results), flush=True)


def percentiles(values_ns: list[int]) -> list[float]:
    """p50, p95, p99 in milliseconds; empty without values."""
    return [float(value) / 1e6 for value in np.percentile(values_ns, [50, 95, 99])] if values_ns else []


if __name__ == "__main__":
    uvloop.run(run(**json.loads(sys.argv[1])))
