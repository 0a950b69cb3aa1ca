"""The target voices of an inference worker, fetched from the web process when a take needs one, verified, and held in
memory.

    Takes (event loop) ── fetch(sha256) ──> GET {web}/voices/<sha256>.flac ──> verified, held
    converter (step thread) ── reference(sha256) ──> float32 [n]

Every take asks the web process again, which answers "unchanged" for a voice that is held. A voice whose speaker
withdrew or whose consent has ended is therefore dropped here at the next take. Nothing is written to disk, so nothing
outlives the process.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import re
from collections import OrderedDict
from http import HTTPStatus
from typing import Final

import httpx
import soundfile
import structlog

from inference.contract.audio import SAMPLE_RATE_HZ, Float32
from inference.contract.errors import TargetUnavailable
from inference.contract.tokens import VOICE, sign

TIMEOUT_SEC: Final = 10.0
MAX_FLAC_BYTES: Final = 64 * 1024 * 1024
MAX_HELD_SAMPLES: Final = 3_600 * SAMPLE_RATE_HZ  # an hour of speech in all: 345 MB
NAME: Final = re.compile(r"[0-9a-f]{64}")

log = structlog.get_logger(__name__)


class TargetVoices:
    """The voices that are held. `fetch` is called on the event loop, `reference` from any thread."""

    def __init__(self, web_url: str, secret: str, *, max_held_samples: int = MAX_HELD_SAMPLES) -> None:
        self._web_url = web_url
        self._secret = secret
        self._max_held_samples = max_held_samples
        self._held: OrderedDict[str, Float32] = OrderedDict()
        self._fetching: dict[str, asyncio.Lock] = {}

    async def fetch(self, sha256: str) -> Float32:
        """Returns the reference audio, float32 [n] at 24 kHz, read-only. Raises TargetUnavailable."""
        if not NAME.fullmatch(sha256):
            raise TargetUnavailable("it is not named by a SHA-256")
        async with self._fetching.setdefault(sha256, asyncio.Lock()):  # Two takes at once download it only once.
            try:
                data = await self._ask(sha256)
            except TargetUnavailable as error:
                self._held.pop(sha256, None)
                log.warning("target voice unavailable", reason=error.reason)
                raise
            if data is not None:
                self._hold(sha256, await asyncio.to_thread(decode, data, sha256))
            return self.reference(sha256)

    def reference(self, sha256: str) -> Float32:
        """Returns what `fetch` brought for a take. Raises TargetUnavailable if it is not held (any more)."""
        samples = self._held.get(sha256)
        if samples is None:
            raise TargetUnavailable("it was not fetched before the conversation began")
        return samples

    async def _ask(self, sha256: str) -> bytes | None:
        """Returns the file; None if the one that is held may still be used."""
        headers = {"Authorization": f"Bearer {sign(VOICE, sha256, self._secret)}"}
        if sha256 in self._held:
            headers["If-None-Match"] = f'"{sha256}"'
        data = bytearray()
        try:
            # A proxy that the environment names must not stand between the two sides of one installation.
            async with httpx.AsyncClient(timeout=TIMEOUT_SEC, trust_env=False) as client:
                address = f"{self._web_url}/voices/{sha256}.flac"
                async with client.stream("GET", address, headers=headers) as response:
                    if response.status_code == HTTPStatus.NOT_MODIFIED:
                        return None
                    async for part in response.aiter_bytes():
                        data += part
                        if len(data) > MAX_FLAC_BYTES:
                            raise TargetUnavailable(f"it is larger than {MAX_FLAC_BYTES // 2**20} MB")
        except httpx.HTTPError as error:
            raise TargetUnavailable(f"the web cannot be reached ({type(error).__name__})") from None
        if response.status_code != HTTPStatus.OK:
            raise TargetUnavailable(_refusal(response.status_code, bytes(data)))
        return bytes(data)

    def _hold(self, sha256: str, samples: Float32) -> None:
        self._held[sha256] = samples
        self._held.move_to_end(sha256)
        while len(self._held) > 1 and sum(map(len, self._held.values())) > self._max_held_samples:
            self._held.popitem(last=False)


def decode(data: bytes, sha256: str) -> Float32:
    """Decodes FLAC to float32 [n] at 24 kHz, read-only. Raises TargetUnavailable unless it is the named file."""
    if not hmac.compare_digest(hashlib.sha256(data).hexdigest(), sha256):
        raise TargetUnavailable("the file that came is another one: its SHA-256 differs")
    try:
        samples, rate_hz = soundfile.read(io.BytesIO(data), dtype="float32")
    except soundfile.SoundFileError:
        raise TargetUnavailable("the file is not audio") from None
    if samples.ndim != 1 or rate_hz != SAMPLE_RATE_HZ or not len(samples):
        raise TargetUnavailable(f"the file is not mono at {SAMPLE_RATE_HZ} Hz")
    samples.flags.writeable = False
    voice: Float32 = samples
    return voice


def _refusal(status: int, body: bytes) -> str:
    """Returns why the web process refused, in its own words if it gave any."""
    try:
        message = httpx.Response(status, content=body).json()["message"]
    except (ValueError, KeyError, TypeError):
        return f"the web answered {status}"
    return str(message)[:300]
