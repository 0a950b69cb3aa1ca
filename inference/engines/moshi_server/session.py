"""One conversation over /api/chat: binary messages of one type byte and its payload (see inference/contract/wire.py).

The server speaks first: its handshake says that it listens. A busy server sends it only when its current client has
left, and would then hear all that was sent meanwhile; so nothing is sent before it. The protocol has no keep-alive, but
a server that listens answers every frame, so one that answers none for a while is taken for dead.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import sphn
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from inference.contract.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, samples_to_ms
from inference.contract.errors import RemoteLost
from inference.contract.wire import Kind, Metadata
from inference.engines.moshi_server.addresses import Server
from inference.engines.moshi_server.words import Utterance, Word, Words
from inference.engines.remote.engine import Line, Session
from inference.remote import Trust, call, closed, first_to_end

MAX_BROKEN: Final = 25  # consecutive invalid messages, after which the server is taken for something else than Moshi
MAX_METADATA_BYTES: Final = 4_096
PROBE_SEC: Final = 2.0
FIRST: Final = frozenset(bytes([kind]) for kind in (Kind.HANDSHAKE, Kind.METADATA, Kind.PING))
OPUS: Final = bytes([Kind.OPUS])


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server may take to begin, and how long it may leave audio unanswered, in seconds."""

    handshake_sec: float
    silent_sec: float


async def probe(server: Server, url: str, patience: Patience, trust: Trust | None) -> None:
    """Connects and disconnects. A busy server accepts the connection and sends nothing.

    Raises RemoteLost if the server cannot be reached, hangs up, or sends what a Moshi server would not."""
    connection = await call(url, timeout_sec=patience.handshake_sec, trust=trust)
    async with connection:
        try:
            async with asyncio.timeout(PROBE_SEC):
                first = await connection.recv()
        except TimeoutError:
            return
        except ConnectionClosed:
            raise RemoteLost(server.shown, f"it hangs up before it begins{server.dialect.hint}") from None
    if isinstance(first, str) or first[:1] not in FIRST:
        raise RemoteLost(server.shown, "it is no Moshi server")


class MoshiSession(Session):
    """A conversation with a Moshi server. `url` is the server's, with the conversation's parameters. `gate` admits as
    many sessions as the server has slots, so that none connects before the previous one has disconnected."""

    def __init__(
        self, server: Server, url: str, gate: asyncio.Semaphore, patience: Patience, trust: Trust | None
    ) -> None:
        self.address = server.shown
        self._server = server
        self._url = url
        self._gate = gate
        self._patience = patience
        self._trust = trust
        self._reader = sphn.OpusStreamReader(SAMPLE_RATE_HZ)
        self._writer = sphn.OpusStreamWriter(SAMPLE_RATE_HZ)
        self._words = Words()
        self._received = 0  # samples
        self._broken = 0
        self._unanswered_since: float | None = None
        self._turn_at = 0  # where the turn's first word sounded; used by the step thread

    async def run(self, line: Line) -> None:
        try:
            async with asyncio.timeout(self._patience.handshake_sec):
                await self._gate.acquire()
        except TimeoutError:
            raise self._lost("busy: the conversation before has not ended there") from None
        try:
            connection = await call(self._url, timeout_sec=self._patience.handshake_sec, trust=self._trust)
            async with connection:
                await self._await_handshake(connection, line)
                line.listen()
                await first_to_end(self._send(connection, line), self._receive(connection, line))
        except ConnectionClosed as error:
            raise closed(self._url, error) from None
        finally:
            self._gate.release()

    async def _await_handshake(self, connection: ClientConnection, line: Line) -> None:
        limit = self._patience.handshake_sec
        try:
            async with asyncio.timeout(limit):
                while (kind := self._read(await connection.recv(), line)) != Kind.HANDSHAKE:
                    if kind in (Kind.OPUS, Kind.TEXT):
                        raise self._lost("it speaks before its handshake: it is no Moshi server")
        except TimeoutError:
            raise self._lost(
                f"busy: it accepted the call but did not begin within {limit:g} s, as a server does that is talking "
                "with somebody else"
            ) from None
        except ConnectionClosed as error:
            code = f" (code {error.rcvd.code})" if error.rcvd else ""
            raise self._lost(f"it hung up before it began{code}{self._server.dialect.hint}") from None

    async def _send(self, connection: ClientConnection, line: Line) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            _, frame = await line.heard()
            if self._unanswered_since is None:
                self._unanswered_since = clock()
            elif clock() - self._unanswered_since > self._patience.silent_sec:
                raise self._silent()
            try:
                async with asyncio.timeout(self._patience.silent_sec):
                    await connection.send(OPUS + self._writer.append_pcm(frame))
            except TimeoutError:
                raise self._silent() from None

    async def _receive(self, connection: ClientConnection, line: Line) -> None:
        async for message in connection:
            self._read(message, line)
        raise self._lost("it ended the conversation")

    def _read(self, message: str | bytes, line: Line) -> int | None:
        """Handles a message and returns its kind, or None if it is not of the protocol. Unknown kinds are ignored.

        Raises RemoteLost."""
        if isinstance(message, str) or not message:
            self._count_broken("messages that are not of the protocol")
            return None
        kind, payload = message[0], message[1:]
        match kind:
            case Kind.OPUS:
                self._speak(payload, line)
            case Kind.TEXT:
                self._write(payload.decode(errors="replace"), line)
            case Kind.METADATA if not self._received:
                _surface(payload, line)
            case Kind.ERROR:
                raise self._lost(f"it reports an error{_error_code(payload)}")
        return kind

    def _speak(self, payload: bytes, line: Line) -> None:
        try:
            pcm = self._reader.append_bytes(payload)
        except ValueError:  # after this error the reader decodes nothing more
            self._reader = sphn.OpusStreamReader(SAMPLE_RATE_HZ)
            self._count_broken("sound that cannot be decoded")
            return
        if pcm is None or not len(pcm):
            return
        self._broken = 0
        self._unanswered_since = None
        line.playout.add(pcm)
        self._received += len(pcm)
        self._say(self._words.pass_to(self._received - FRAME_SAMPLES), line)

    def _write(self, piece: str, line: Line) -> None:
        self._unanswered_since = None
        ahead = FRAME_SAMPLES if self._server.dialect.text_follows_sound else 0
        self._say(self._words.feed(piece, max(0, self._received - ahead)), line)

    def _say(self, said: Iterable[Word | Utterance], line: Line) -> None:
        playout = line.playout
        for part in said:
            match part:
                case Word():
                    if part.opens:
                        playout.mark("", part.start, partial(self._open_turn, part.turn))
                    playout.mark("", part.start, partial(_words, part))
                case Utterance():
                    playout.mark("", part.end - 1, partial(self._transcript, part))
                    playout.mark("", part.end - 1, partial(_turn, "listening", part.turn))

    def _open_turn(self, turn: int, at: int) -> Metadata:
        self._turn_at = at
        return _turn("speaking", turn, at)

    def _transcript(self, said: Utterance, at: int) -> Metadata:
        texts = {"role": "agent", "text": said.text, "raw_text": said.raw_text, "turn": said.turn}
        times = {"start_ms": samples_to_ms(self._turn_at), "end_ms": samples_to_ms(at + 1)}
        return Metadata("transcript", {**texts, **times})

    def _count_broken(self, what: str) -> None:
        self._broken += 1
        if self._broken == MAX_BROKEN:
            raise self._lost(f"it sends {what}")

    def _lost(self, reason: str) -> RemoteLost:
        return RemoteLost(self.address, reason)

    def _silent(self) -> RemoteLost:
        return self._lost(f"it has not answered for {self._patience.silent_sec:g} s")


def _turn(state: str, turn: int, at: int) -> Metadata:
    return Metadata("turn", {"state": state, "turn": turn, "at_ms": samples_to_ms(at)})


def _words(word: Word, at: int) -> Metadata:
    times = {"start_ms": samples_to_ms(at), "end_ms": samples_to_ms(at + word.end - word.start)}
    return Metadata("words", {"text": word.text, "turn": word.turn, **times})


def _surface(payload: bytes, line: Line) -> None:
    """Passes on what the server says about itself before it speaks (the Rust one: its model and its sampling)."""
    try:
        said: Any = json.loads(payload) if len(payload) <= MAX_METADATA_BYTES else None
        json.dumps(said, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return
    if isinstance(said, dict) and said:
        line.playout.tell(Metadata("server", {"about": said}))


def _error_code(payload: bytes) -> str:
    """Returns the code of an error that is JSON with a code; any other text may hold anything and is not logged."""
    try:
        code = json.loads(payload)["code"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return ""
    return f" ({code[:40]})" if isinstance(code, str) and code.isidentifier() else ""
