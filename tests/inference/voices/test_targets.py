"""Target voices as an inference worker gets them, from a web that answers over HTTP."""

from __future__ import annotations

import hashlib
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from http import HTTPStatus

import numpy as np
import pytest
import soundfile
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from inference.contract.audio import SAMPLE_RATE_HZ
from inference.contract.errors import TargetUnavailable, TokenError
from inference.contract.tokens import SLOT, VOICE, TokenReader, sign
from inference.voices.targets import TargetVoices
from tests.inference.contract.test_tokens import OTHER, REQUEST, SECRET
from tests.signals import tone


def flac(frequency_hz: float, rate_hz: int = SAMPLE_RATE_HZ) -> bytes:
    data = io.BytesIO()
    soundfile.write(data, tone(frequency_hz, 0.5), rate_hz, format="FLAC")
    return data.getvalue()


def name_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


ANNA = flac(200)
BERT = flac(110)


@dataclass
class Web:
    """The web's side: what it has by address, and what it was asked."""

    files: dict[str, bytes] = field(default_factory=dict)
    refusal: Response | None = None
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def answer(self, connection: ServerConnection, request: Request) -> Response:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        sha256 = TokenReader(SECRET).read(VOICE, token)
        assert request.path == f"/voices/{sha256}.flac"
        self.asked.append(sha256)
        if self.refusal is not None:
            return self.refusal
        if request.headers.get("If-None-Match") == f'"{sha256}"':
            return respond(HTTPStatus.NOT_MODIFIED)
        if sha256 not in self.files:
            return respond(HTTPStatus.NOT_FOUND)
        return respond(HTTPStatus.OK, self.files[sha256])


def respond(status: HTTPStatus, body: bytes = b"") -> Response:
    headers = Headers({"Content-Length": str(len(body)), "Connection": "close"})
    return Response(status.value, status.phrase, headers, body)


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    web = Web({name_of(ANNA): ANNA, name_of(BERT): BERT})

    async def never(connection: ServerConnection) -> None:
        raise AssertionError("no socket is opened here")

    server: Server
    async with serve(never, "127.0.0.1", 0, process_request=web.answer) as server:
        web.url = f"http://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        yield web


async def refused(targets: TargetVoices, sha256: str) -> str:
    with pytest.raises(TargetUnavailable) as caught:
        await targets.fetch(sha256)
    return caught.value.reason


async def test_voice_comes_as_it_was_stored(web: Web) -> None:
    targets = TargetVoices(web.url, SECRET)
    samples = await targets.fetch(name_of(ANNA))
    np.testing.assert_array_equal(samples, soundfile.read(io.BytesIO(ANNA), dtype="float32")[0])
    assert targets.reference(name_of(ANNA)) is samples


async def test_voice_is_asked_for_by_every_take_and_downloaded_once(web: Web) -> None:
    targets = TargetVoices(web.url, SECRET)
    first = await targets.fetch(name_of(ANNA))
    assert await targets.fetch(name_of(ANNA)) is first
    assert web.asked == [name_of(ANNA)] * 2


async def test_withdrawn_voice_is_dropped_with_the_reason(web: Web) -> None:
    targets = TargetVoices(web.url, SECRET)
    await targets.fetch(name_of(ANNA))
    web.refusal = respond(HTTPStatus.GONE, b'{"code": "withdrawn", "message": "the speaker has withdrawn"}')
    assert await refused(targets, name_of(ANNA)) == "the speaker has withdrawn"
    with pytest.raises(TargetUnavailable, match="not fetched"):
        targets.reference(name_of(ANNA))


async def test_unknown_voice_is_refused(web: Web) -> None:
    assert await refused(TargetVoices(web.url, SECRET), "0" * 64) == "the web answered 404"


async def test_file_with_another_hash_is_refused(web: Web) -> None:
    web.files[name_of(ANNA)] = BERT
    assert "SHA-256 differs" in await refused(TargetVoices(web.url, SECRET), name_of(ANNA))


@pytest.mark.parametrize(
    ("data", "reason"),
    [(b"not audio", "the file is not audio"), (flac(200, 16_000), "the file is not mono at 24000 Hz")],
    ids=["no audio", "another rate"],
)
async def test_file_of_another_kind_is_refused(web: Web, data: bytes, reason: str) -> None:
    web.files[name_of(data)] = data
    assert await refused(TargetVoices(web.url, SECRET), name_of(data)) == reason


@pytest.mark.parametrize("name", ["", "anna", "../secrets", "A" * 64])
async def test_name_that_is_no_hash_is_not_asked_for(web: Web, name: str) -> None:
    assert await refused(TargetVoices(web.url, SECRET), name) == "it is not named by a SHA-256"
    assert web.asked == []


async def test_web_that_is_away_is_named_as_the_reason() -> None:
    reason = await refused(TargetVoices("http://127.0.0.1:9", SECRET), name_of(ANNA))
    assert reason == "the web cannot be reached (ConnectError)"


async def test_oldest_voice_goes_when_there_is_no_room(web: Web) -> None:
    targets = TargetVoices(web.url, SECRET, max_held_samples=15_000)
    await targets.fetch(name_of(ANNA))
    await targets.fetch(name_of(BERT))
    with pytest.raises(TargetUnavailable):
        targets.reference(name_of(ANNA))
    assert len(targets.reference(name_of(BERT))) == 12_000


def test_request_for_a_voice_is_read_back() -> None:
    assert TokenReader(SECRET).read(VOICE, sign(VOICE, "ab", SECRET)) == "ab"


@pytest.mark.parametrize(
    "token",
    [sign(VOICE, "ab", OTHER), sign(SLOT, REQUEST, SECRET), sign(VOICE, "ab", SECRET, ttl_sec=-1), ""],
    ids=["other secret", "token for a slot", "expired", "none"],
)
def test_other_tokens_ask_for_no_voice(token: str) -> None:
    with pytest.raises(TokenError):
        TokenReader(SECRET).read(VOICE, token)
