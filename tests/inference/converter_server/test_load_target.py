"""The streaming servers of MeanVC and X-VC, with their doors and their timing; what they convert is left as it is."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import pytest
import soundfile
from aiohttp import WSMsgType, web

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, Float32
from inference.contract.errors import EngineUnavailable, RemoteLost, TargetUnavailable
from tests.inference.converter_server.running import connected
from tests.signals import vowel

CHUNK: Final = 3_200
MEL_FRAMES: Final = 480  # three of 10 ms, by which an answer begins before its chunk
FADE: Final = 320
TARGET: Final = "b" * 64


class StreamingServer:
    """`kind` is meanvc or xvc. `targets` maps the names it gave to the seconds of reference it was given."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.targets: dict[str, float] = {}
        self.url = ""
        self.sockets: list[web.WebSocketResponse] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        app = web.Application()
        app.router.add_post("/api/meanvc/load-target", self._load_target)
        app.router.add_get("/api/meanvc/stream", self._stream)
        self._runner = web.AppRunner(app)

    def start(self) -> None:
        self._thread.start()
        self._await(self._runner.setup())
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        self._await(site.start())
        self.url = f"ws://127.0.0.1:{self._runner.addresses[0][1]}"

    def stop(self) -> None:
        self._await(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def hang_up(self) -> None:
        """Closes every connection, as a server that ends does."""
        for socket in self.sockets:
            self._await(socket.close())

    def _await(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _load_target(self, request: web.Request) -> web.Response:
        form = await request.post()
        wav = form["wav"]
        assert isinstance(wav, web.FileField)
        samples, rate_hz = soundfile.read(io.BytesIO(wav.file.read()))
        if not samples.any():
            return web.json_response({"error": "no speech in it"}, status=500)
        name = f"t{len(self.targets)}"
        self.targets[name] = len(samples) / rate_hz
        return web.json_response({"target_id": name, "duration_seconds": self.targets[name]})

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        if request.query["target_id"] not in self.targets:
            await socket.send_json({"error": f"Unknown target_id: {request.query['target_id']}"})
            await socket.close()
            return socket
        assert request.query["source_sr"] == "16000"
        await socket.send_json({"status": "ready", "chunk_size": CHUNK})
        heard, said = np.zeros(0, np.float32), 2_720 if self.kind == "meanvc" else 0
        async for message in socket:
            assert message.type == WSMsgType.BINARY
            heard = np.concatenate([heard, np.frombuffer(message.data, np.float32)])
            while (end := self._due(said, len(heard))) is not None:
                await socket.send_bytes(heard[said:end].tobytes())
                said = end
        return socket

    def _due(self, said: int, heard: int) -> int | None:
        """Up to where the next answer reaches; None when it is too early for one."""
        if self.kind == "meanvc":  # a whole chunk, less the mel frames before and the fade after it
            return said + CHUNK if heard >= said + MEL_FRAMES + CHUNK else None
        return said + 1_920 if heard >= said + 3_840 else None


@pytest.fixture(params=["meanvc", "xvc"])
def server(request: pytest.FixtureRequest) -> Iterator[StreamingServer]:
    server = StreamingServer(request.param)
    server.start()
    yield server
    server.stop()


def settings(server: StreamingServer) -> dict[str, str]:
    return {"REMOTE_VC_DIALECT": server.kind}


def speech(seconds: float) -> Float32:
    samples = 0.3 * vowel(130.0, seconds)
    return samples[: len(samples) // FRAME_SAMPLES * FRAME_SAMPLES].astype(np.float32)


def test_converted_speech_is_in_its_place(server: StreamingServer) -> None:
    samples = speech(2.4)
    with connected(server.url, settings(server)) as converter:
        converter.enrol(TARGET, speech(3.2))
        assert list(server.targets.values()) == [pytest.approx(3.2)]
        stream = converter.open({}, target=TARGET)
        padded = np.concatenate([samples, np.zeros(stream.latency_samples + 6 * FRAME_SAMPLES, np.float32)])
        got = np.concatenate(
            [stream.push(padded[at : at + FRAME_SAMPLES]) for at in range(0, len(padded), FRAME_SAMPLES)]
        )
        latency = stream.latency_samples
    middle = slice(SAMPLE_RATE_HZ // 4, len(samples) - SAMPLE_RATE_HZ // 4)
    heard = got[latency : latency + len(samples)]
    residue = (heard - samples)[middle].std() / samples[middle].std()
    assert 20 * np.log10(residue) < -30


def test_restarted_server_learns_the_target_again(server: StreamingServer) -> None:
    with connected(server.url, settings(server)) as converter:
        converter.enrol(TARGET, speech(3.2))
        server.targets.clear()
        stream = converter.open({}, target=TARGET)
        for _ in range(20):
            stream.push(np.full(FRAME_SAMPLES, 0.1, np.float32))
        assert list(server.targets) == ["t0"]


def test_target_without_speech_is_refused(server: StreamingServer) -> None:
    with connected(server.url, settings(server)) as converter, pytest.raises(TargetUnavailable, match="no speech"):
        converter.enrol(TARGET, np.zeros(SAMPLE_RATE_HZ, np.float32))


def test_server_that_is_not_there_is_named(server: StreamingServer) -> None:
    with pytest.raises(EngineUnavailable, match=r"127\.0\.0\.1:9"), connected("ws://127.0.0.1:9", settings(server)):
        pass


def test_server_that_ends_ends_the_stream(server: StreamingServer) -> None:
    with connected(server.url, settings(server)) as converter:
        converter.enrol(TARGET, speech(3.2))
        stream = converter.open({}, target=TARGET)
        stream.push(np.full(2 * stream.latency_samples, 0.1, np.float32))  # waits for sound from the server
        server.hang_up()
        with pytest.raises(RemoteLost):
            stream.push(np.full(10 * stream.latency_samples, 0.1, np.float32))
