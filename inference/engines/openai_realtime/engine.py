"""The engine `openai_realtime`: rows are conversations with a server of the Realtime protocol."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Final
from unicodedata import normalize

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from inference.contract.audio import FRAME_SAMPLES
from inference.contract.errors import OptionError, RemoteLost
from inference.contract.options.openai_realtime import Options
from inference.engines.base import SlotConfig
from inference.engines.openai_realtime.answer import WORD_TIMING
from inference.engines.openai_realtime.dialects import GA, UNMUTE, Agreed, Dialect, Unsupported, dialect_of
from inference.engines.openai_realtime.events import EventReader
from inference.engines.openai_realtime.fields import Broken, is_harmless, object_of, plain_words
from inference.engines.openai_realtime.settings import NAME, RealtimeServer, read_server
from inference.engines.remote.engine import Line, RemoteEngine, Session
from inference.remote import call, closed, first_to_end, shown

MAX_INSTRUCTIONS_BYTES: Final = 30_000
_VOICE: Final = re.compile(r"\w[\w./-]{0,199}")
SETUP_SEC: Final = 10.0
GREETING_SEC: Final = 2.0  # servers that greet do so at once
ANSWER_SEC: Final = 2.0  # for the answer to our own update, after one that cannot be it
PING_SEC: Final = 10.0


class OpenAIRealtimeEngine(RemoteEngine):
    """Everything that the participant says goes to the operator's server; nothing about who they are is sent."""

    NAME: ClassVar[str] = NAME
    LIVE: ClassVar[bool] = False
    DEFAULT_SLOTS: ClassVar[int] = 8

    def __init__(self, slots: int | None, settings: Mapping[str, str]) -> None:
        self._server = read_server(settings)
        super().__init__(slots, settings)
        self._served_model = ""

    def warm_up(self) -> None:
        """Sets up a session as studies will and learns the dialect if it is not set. Raises EngineUnavailable."""
        try:
            ready = self._thread.start(RealtimeSession(self._server, SlotConfig()).try_out()).result()
        except RemoteLost as lost:
            raise self.unavailable(lost, _remedy(lost)) from None
        self._server = replace(self._server, dialect=ready.dialect)
        self._served_model = ready.agreed.model

    def check(self, config: SlotConfig) -> None:
        options = Options.read(config.options)
        dialect = self._server.dialect
        if options.model is not None and options.model not in self._server.models:
            allowed = f"one of {', '.join(self._server.models)}" if self._server.models else "none: the server has one"
            raise OptionError("model", options.model, allowed)
        if options.temperature is not None and dialect is not None and not dialect.takes_temperature:
            raise OptionError("temperature", options.temperature, f"none with a server of the dialect {dialect.name}")
        if dialect is not None and dialect.name == "unmute":
            for name, value in config.options.items():
                raise OptionError(name, value, "no options: an Unmute server has none")
        if config.voice_prompt and not _VOICE.fullmatch(normalize("NFC", config.voice_prompt)):
            raise OptionError("voice_prompt", config.voice_prompt, "the name of one of the server's voices")
        size = len(config.text_prompt.encode(errors="replace"))
        if size > MAX_INSTRUCTIONS_BYTES:
            raise OptionError("text_prompt", f"{size} bytes long", f"at most {MAX_INSTRUCTIONS_BYTES}")

    def begin(self, slot: int, config: SlotConfig) -> RealtimeSession:
        return RealtimeSession(self._server, config)

    def snapshot(self) -> dict[str, Any]:
        server = self._server
        return {
            "name": NAME,
            "server": shown(server.url),
            "dialect": server.dialect.name if server.dialect else "auto",
            "models": list(server.models),
            "served_model": self._served_model,
            "transcription": server.transcription,
            "third_party": True,
            "seeded": False,
            "word_timing": WORD_TIMING,
            "option_defaults": {option.name: option.default for option in fields(Options)},
        }


def _read_agreement(dialect: Dialect, session: Mapping[str, Any]) -> Agreed | Unsupported:
    try:
        return dialect.agreed(session)
    except Unsupported as error:
        return error


def _remedy(lost: RemoteLost) -> str:
    match lost.status:
        case 401 | 403:
            return "Set OPENAI_REALTIME_KEY to a key that is valid there."
        case 404:
            return "Correct OPENAI_REALTIME_URL or OPENAI_REALTIME_MODEL."
        case 429:
            return "Wait, or look at the account's limits and balance."
    return "Look at OPENAI_REALTIME_URL, OPENAI_REALTIME_KEY, OPENAI_REALTIME_MODEL and OPENAI_REALTIME_DIALECT."


@dataclass(frozen=True, slots=True)
class Ready:
    """A connection with a session that is set up."""

    connection: ClientConnection
    dialect: Dialect
    agreed: Agreed


class RealtimeSession(Session):
    """One conversation. `config` must already be checked."""

    def __init__(self, server: RealtimeServer, config: SlotConfig, setup_sec: float = SETUP_SEC) -> None:
        self._server = server
        self._config = config
        self._options = Options.read(config.options)
        self._url = server.address(self._options.model or (server.models[0] if server.models else ""))
        self._setup_sec = setup_sec
        self.address = shown(self._url)

    async def run(self, line: Line) -> None:
        try:
            ready = await self._call()
            async with ready.connection as connection:
                conversation = EventReader(
                    line.playout,
                    ready.dialect,
                    ready.agreed.codec,
                    barge_in=self._options.barge_in,
                    cancels=not ready.agreed.interrupts,
                )
                line.listen()
                await first_to_end(
                    self._send(connection, line, conversation, ready.agreed), self._receive(connection, conversation)
                )
        except ConnectionClosed as error:
            raise closed(self._url, error) from None
        except Broken as error:
            raise self._lost(str(error)) from None

    async def try_out(self) -> Ready:
        """Sets up a session and disconnects. Raises RemoteLost."""
        try:
            ready = await self._call()
            await ready.connection.close()
        except ConnectionClosed as error:
            raise closed(self._url, error) from None
        except Broken as error:
            raise self._lost(str(error)) from None
        return ready

    async def _call(self) -> Ready:
        dialect = self._server.dialect
        connection = await call(
            self._url,
            timeout_sec=self._setup_sec,
            headers=self._server.headers,
            subprotocols=dialect.subprotocols if dialect else UNMUTE.subprotocols,
            ping_sec=PING_SEC,
        )
        try:
            async with asyncio.timeout(self._setup_sec):
                return await self._set_up(connection, dialect)
        except TimeoutError:
            await connection.close()
            raise self._lost(f"it did not set up a session within {self._setup_sec:g} s") from None
        except BaseException:
            await connection.close()
            raise

    async def _set_up(self, connection: ClientConnection, dialect: Dialect | None) -> Ready:
        greeted = await self._greeting(connection) if dialect is None or dialect.greets else None
        if dialect is None and greeted is not None:
            dialect = dialect_of(greeted)
        elif dialect is None:
            dialect = UNMUTE if connection.subprotocol in UNMUTE.subprotocols else GA
        session = dialect.session(self._config, self._options, self._server.transcription)
        await connection.send(json.dumps({"type": "session.update", "session": session}))
        return Ready(connection, dialect, await self._agreed(connection, dialect))

    async def _greeting(self, connection: ClientConnection) -> Mapping[str, Any] | None:
        """Returns the session of the greeting, whose shape reveals the dialect.

        Some servers say nothing until they have been sent an update, so after GREETING_SEC the answer is None."""
        try:
            async with asyncio.timeout(GREETING_SEC):
                return await self._await(connection, "session.created")
        except TimeoutError:
            return None

    async def _agreed(self, connection: ClientConnection, dialect: Dialect) -> Agreed:
        """Reads what the server answers to our update.

        The protocol does not say which update a `session.updated` answers, and some servers send one of their own
        accord after the greeting. One that contradicts what was asked for is therefore passed over if another one
        follows within ANSWER_SEC, and refused with what it says otherwise."""
        agreed = _read_agreement(dialect, await self._await(connection, "session.updated"))
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SEC):
                while isinstance(agreed, Unsupported):
                    agreed = _read_agreement(dialect, await self._await(connection, "session.updated"))
        if isinstance(agreed, Unsupported):
            raise self._lost(str(agreed))
        return agreed

    async def _await(self, connection: ClientConnection, kind: str) -> Mapping[str, Any]:
        """Returns the `session` of the next event of that kind; ignores others. Raises RemoteLost for an error
        event."""
        while True:
            event = self._read(await connection.recv())
            if event.get("type") == "error" and not is_harmless(error := object_of(event, "error")):
                raise self._lost(plain_words(error))
            if event.get("type") == kind:
                return object_of(event, "session")

    async def _send(self, connection: ClientConnection, line: Line, conversation: EventReader, agreed: Agreed) -> None:
        sent = 0
        while True:
            sample, pcm = await line.heard()
            conversation.participant.skew = sample - sent
            sent += FRAME_SAMPLES
            audio = agreed.codec.encode(pcm)
            await connection.send(json.dumps({"type": "input_audio_buffer.append", "audio": audio}))

    async def _receive(self, connection: ClientConnection, conversation: EventReader) -> None:
        async for message in connection:
            for command in conversation.handle(self._read(message)):
                await connection.send(json.dumps(command))
        raise self._lost("it ended the conversation")

    def _read(self, message: str | bytes) -> Mapping[str, Any]:
        try:
            event = json.loads(message) if isinstance(message, str) else None
        except (ValueError, RecursionError):
            event = None
        if not isinstance(event, dict):
            raise self._lost("it sends what is no event of the protocol")
        return event

    def _lost(self, reason: str) -> RemoteLost:
        return RemoteLost(self.address, reason)
