"""Hands conversations over when the worker stops: each state is kept until another worker fetches it.

The web is told `moving` and asks another worker for the take; that worker fetches `/state/<take>` (see
`inference.worker.handover.state`). A take that nobody fetches in time ends; one that cannot move ends at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote
from weakref import WeakKeyDictionary

import structlog
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from inference.contract.errors import InferenceError, SlotLost, SlotNotMovable, TokenError
from inference.contract.tokens import STATE, TokenReader
from inference.worker.connection import Connection
from inference.worker.doors.slot import POLICY_VIOLATION, bearer, refusal
from inference.worker.handover.state import PIECE_BYTES, STATE_PATH, TRANSFER_SEC, pack_head
from inference.worker.takes import Takes, ended

NORMAL: Final = 1000

log = structlog.get_logger(__name__)


class Departures:
    """Drains the worker, and is the door at which other workers fetch the states, each by one worker at a time."""

    def __init__(self, takes: Takes, tokens: TokenReader) -> None:
        self._takes = takes
        self._tokens = tokens
        self._asked_for: WeakKeyDictionary[ServerConnection, Connection] = WeakKeyDictionary()
        self._in_transfer: set[Connection] = set()
        self._sending_off: list[asyncio.Task[None]] = []

    async def drain(self, limit_sec: float) -> None:
        """Stops admitting takes and returns when all have left or ended, at the latest after `limit_sec`, or
        TRANSFER_SEC later for those in transfer at that moment."""
        self._takes.draining = True
        conversations = self._takes.conversations
        # not awaited, because a stuck step would delay them beyond any limit
        self._sending_off = [asyncio.create_task(self._send_off(each)) for each in conversations]
        await _all_over(conversations, limit_sec)
        await _all_over(self._in_transfer, TRANSFER_SEC)

    async def _send_off(self, conversation: Connection) -> None:
        try:
            is_ready = await self._takes.freeze(conversation)
        except SlotLost:
            is_ready = False
        if not is_ready:
            await self._takes.end(conversation, ended("stopping"))

    async def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        try:
            take = self._tokens.read(STATE, bearer(request))
            if take != unquote(request.path.partition("?")[0].removeprefix(STATE_PATH)):
                raise TokenError("invalid")
            conversation = self._takes.find(take)
            if conversation is None or not conversation.frozen or conversation in self._in_transfer:
                raise SlotNotMovable("its state is not here, or not any more")
        except InferenceError as error:
            return refusal(error, self._takes)
        self._asked_for[connection] = conversation
        return None

    async def serve(self, connection: ServerConnection) -> None:
        """Sends the state. The take ends here once it continues elsewhere; if it does not, it may be fetched again."""
        conversation = self._asked_for.pop(connection)
        if conversation in self._in_transfer:  # another WebSocket opened first
            await connection.close(POLICY_VIOLATION)
            return
        self._in_transfer.add(conversation)
        try:
            await self._send(connection, conversation)
            async with asyncio.timeout(TRANSFER_SEC):
                await connection.wait_closed()
            if connection.close_code == NORMAL:
                await self._takes.end(conversation, ended("moved"))
        except (SlotNotMovable, SlotLost) as error:
            log.error("take not movable", take=conversation.lease.request.take, reason=error.reason)
            await self._takes.end(conversation, ended("stopping"))
        except (ConnectionClosed, TimeoutError):
            log.warning("take not fetched to its end", take=conversation.lease.request.take)
        finally:
            self._in_transfer.discard(conversation)

    async def _send(self, connection: ServerConnection, conversation: Connection) -> None:
        state = await self._takes.export(conversation)
        await connection.send(pack_head(state))
        rest = memoryview(state.engine_state)
        for start in range(0, len(rest), PIECE_BYTES):
            await connection.send(rest[start : start + PIECE_BYTES])


async def _all_over(conversations: Iterable[Connection], limit_sec: float) -> None:
    """Waits at most `limit_sec` for the conversations to end."""
    ends = [asyncio.ensure_future(each.over.wait()) for each in conversations]
    if ends:
        _, late = await asyncio.wait(ends, timeout=limit_sec)
        for each in late:
            each.cancel()
