"""The client of the streaming servers of MeanVC and X-VC that others run beside Moshi.

These servers learn a target from an upload, exchange float32 at 16 kHz over a WebSocket, and send a JSON object first.

    POST {http}/api/meanvc/load-target        multipart: wav          -> {"target_id": str, "duration_seconds": float}
    WS   {ws}/api/meanvc/stream?target_id=…&source_sr=16000            <- {"status": "ready"} or {"error": str}
         float32 at 16 kHz, both ways

They do not report their delay. It follows from their code, at 16 kHz:

    meanvc  It works in chunks of 200 ms. The first chunk is dropped, and each answer begins three mel frames of 10 ms
            before its chunk. So the first sample is the participant's 3200 − 3·160 = 2720th, and a sample is returned
            at the latest when the participant is 2·3200 − 2720 = 3680 samples past it.
    xvc     It works in windows of 120 ms of current speech, 20 ms of cross-fade and 100 ms of look-ahead. Nothing is
            dropped, and a sample is returned at the latest 240 ms later.

Each answer of MeanVC is one chunk; X-VC resets nothing.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import soundfile
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from inference.contract.errors import RemoteLost, TargetUnavailable, WireError
from inference.contract.resampling import Resampler
from inference.remote import Trust, call, closed, first_to_end, shown
from inference.voices.remote.protocol import decode_sound, encode_sound
from inference.voices.remote.session import Dialect, Line, Order, Timing

RATE_HZ: Final = 16_000
CHUNK_SAMPLES: Final = 3_200  # 200 ms, as the servers expect
CONNECT_SEC: Final = 10.0
ENROL_SEC: Final = 60.0
RESAMPLING_HOLD_SAMPLES: Final = 1_920  # what the two resamplers hold back, at 24 kHz; measured: 1,756


def _at_24_khz(samples: int) -> int:
    """Samples of such a server -> as many of ours as last equally long."""
    return samples * SAMPLE_RATE_HZ // RATE_HZ


TIMINGS: Final[Mapping[str, Timing]] = {  # at 24 kHz; sending in chunks of 200 ms adds one chunk to the hold
    "meanvc": Timing(_at_24_khz(2_720), _at_24_khz(3_680 + CHUNK_SAMPLES) + RESAMPLING_HOLD_SAMPLES),
    "xvc": Timing(0, _at_24_khz(3_840 + CHUNK_SAMPLES) + RESAMPLING_HOLD_SAMPLES),
}


class LoadTarget(Dialect):
    """`kind` is a key of TIMINGS; `url` is ws:// or wss:// and host."""

    def __init__(self, kind: str, url: str, trust: Trust | None = None) -> None:
        self.address = shown(url)
        self._kind = kind
        self._url = url.rstrip("/")
        self._trust = trust
        self._ids: dict[str, str] = {}  # target -> the server's name for it

    async def about(self) -> tuple[Timing, Mapping[str, Any]]:
        """Returns the known timing; asks the server only whether it can be reached."""
        try:
            async with self._client(CONNECT_SEC) as client:
                await client.get(self._http + "/api/meanvc/load-target")
        except httpx.HTTPError as error:
            raise RemoteLost(self.address, f"it cannot be reached ({type(error).__name__})") from None
        return TIMINGS[self._kind], {"name": self._kind, "sample_rate_hz": RATE_HZ}

    async def enrol(self, order: Order) -> None:
        if order.reference is None:
            raise TargetUnavailable("no reference audio was given for it")
        wav = io.BytesIO()
        soundfile.write(wav, order.reference, SAMPLE_RATE_HZ, format="WAV", subtype="PCM_16")
        try:
            async with self._client(ENROL_SEC) as client:
                files = {"wav": ("target.wav", wav.getvalue(), "audio/wav")}
                response = await client.post(self._http + "/api/meanvc/load-target", files=files)
        except httpx.HTTPError as error:
            raise RemoteLost(self.address, f"it cannot be reached ({type(error).__name__})") from None
        try:
            answer = response.json()
            if "error" in answer:
                raise TargetUnavailable(f"the converter server refused it: {str(answer['error'])[:200]}")
            self._ids[order.target] = str(answer["target_id"])
        except (ValueError, KeyError, TypeError):
            raise RemoteLost(self.address, f"it answered {response.status_code} to a target voice") from None

    async def talk(self, order: Order, line: Line) -> None:
        connection = await self._open(order)
        try:
            await first_to_end(_send(connection, line), _receive(connection, line))
            raise RemoteLost(self.address, "it closed the connection")
        except ConnectionClosed as error:
            raise closed(self._url, error) from None
        except TimeoutError:
            raise RemoteLost(self.address, "it takes no more sound") from None
        except WireError as error:
            raise RemoteLost(self.address, f"it sent something unexpected ({error})") from None
        finally:
            await connection.close()

    async def _open(self, order: Order) -> ClientConnection:
        if order.target not in self._ids:
            await self.enrol(order)
        for attempt in (1, 2):
            query = urlencode({"target_id": self._ids[order.target], "source_sr": RATE_HZ})
            connection = await call(
                f"{self._url}/api/meanvc/stream?{query}", timeout_sec=CONNECT_SEC, trust=self._trust
            )
            problem = await self._greeting(connection)
            if not problem:
                return connection
            await connection.close()
            if attempt == 1 and order.reference is not None:
                await self.enrol(order)  # The server has been restarted and has lost the target.
        raise RemoteLost(self.address, problem)

    async def _greeting(self, connection: ClientConnection) -> str:
        """Returns an empty text if the server is ready, and its problem otherwise. Raises RemoteLost."""
        try:
            async with asyncio.timeout(CONNECT_SEC):
                greeting = json.loads(await connection.recv())
        except (TimeoutError, ValueError, ConnectionClosed):
            await connection.close()
            raise RemoteLost(self.address, "it did not say that it is ready") from None
        if isinstance(greeting, dict) and greeting.get("status") == "ready":
            return ""
        return str(greeting.get("error") if isinstance(greeting, dict) else "it refused")[:200]

    @property
    def _http(self) -> str:
        return "http" + self._url.removeprefix("ws")

    def _client(self, timeout_sec: float) -> httpx.AsyncClient:
        verify = self._trust.context if self._trust else True
        return httpx.AsyncClient(timeout=timeout_sec, trust_env=False, verify=verify)


async def _send(connection: ClientConnection, line: Line) -> None:
    """Sends with one resampler for the whole stream, because resampling each message separately costs 40 dB."""
    down, gathered = Resampler(SAMPLE_RATE_HZ, RATE_HZ), bytearray()
    chunk_bytes = 4 * CHUNK_SAMPLES
    while True:
        gathered += encode_sound(down.push(await line.said()))
        while len(gathered) >= chunk_bytes:
            await connection.send(bytes(gathered[:chunk_bytes]))
            del gathered[:chunk_bytes]


async def _receive(connection: ClientConnection, line: Line) -> None:
    up = Resampler(RATE_HZ, SAMPLE_RATE_HZ)
    async for data in connection:
        if isinstance(data, str):
            raise WireError("sound", "text")
        samples: Float32 = up.push(decode_sound(data))
        if len(samples):
            line.placement.arrive(samples)
