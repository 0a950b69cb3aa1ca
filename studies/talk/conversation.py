"""The inference worker's side of a take: finds one, holds its slot, and says why it came to an end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, Protocol

import structlog
from django.conf import settings

from inference.client import Slot, open_slot
from inference.errors import InferenceError, SlotLost
from inference.tokens import SlotRequest
from studies.errors import TakeRefused
from studies.talk.slot_search import find_slot
from studies.talk.uplink import Uplink

CLOSE_SLOT_SEC: Final = 2.0

log = structlog.get_logger(__name__)


class Listener(Protocol):
    """Who holds a conversation. `recording` is whether the engine has begun to hear."""

    @property
    def recording(self) -> bool: ...

    def note(self, event: str, data: Mapping[str, Any]) -> None:
        """Journals an event."""

    async def on_engine_message(self, data: bytes) -> None:
        """One encoded message. Raises SlotLost when it is the last, TakeRefused when there may be no more."""


async def converse(request: SlotRequest, address: str, uplink: Uplink, listener: Listener) -> str:
    """From queue to end; returns which of ENDINGS it is. Gives the slot back, also when cancelled.

    `address`: of the inference worker that has the slot already, or empty."""
    slot: Slot | None = None
    sending: asyncio.Task[None] | None = None
    try:
        if address:
            slot = await open_slot(address, request, settings.WORKER_SECRET)
        else:
            address, slot = await find_slot(request)
        listener.note("slot", {"address": address})
        sending = asyncio.get_running_loop().create_task(uplink.run(slot.send))
        while True:
            await listener.on_engine_message(await slot.receive())
    except SlotLost as error:
        log.warning("slot_lost", take=request.take, reason=error.reason)
        listener.note("slot_lost", {"reason": error.reason})
        return "engine_lost" if listener.recording else "refused"
    except InferenceError as error:
        log.warning("slot_refused", take=request.take, code=error.code, problem=str(error))
        listener.note("slot_refused", {"code": error.code})
        return "refused"
    except TakeRefused as error:
        listener.note("refused", {"code": error.code})
        return "withdrawn"
    except Exception:
        log.exception("conversation_failed", take=request.take)
        return "engine_lost"
    finally:
        if sending is not None:
            sending.cancel()
            with suppress(asyncio.CancelledError, SlotLost):
                await sending
        if slot is not None:
            with suppress(SlotLost, OSError):
                async with asyncio.timeout(CLOSE_SLOT_SEC):
                    await slot.close(end=True)
