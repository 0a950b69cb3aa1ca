"""Asks the database, from the event loop, whether a talk may go on; while it is away, nothing goes on unasked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

from channels.db import database_sync_to_async
from django.conf import settings
from django.db import DatabaseError

from studies.talk.workers.needs import Needs

ASK_AGAIN_SEC: Final = 0.5
Ask = Callable[[], Needs]
"""Blocks on the database and returns what a worker must be for the take now. Raises TakeRefused if it may not go on."""
Result = TypeVar("Result")


async def ask_database(question: Callable[..., Result], *arguments: Any) -> Result:
    """Returns the answer of a function that blocks on the database, which is asked again while it is away.

    Raises what the function raises, and the database's error after RECONNECT_GRACE_SEC."""
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + settings.RECONNECT_GRACE_SEC
    while True:
        try:
            answer: Result = await database_sync_to_async(question)(*arguments)
        except DatabaseError:
            if loop.time() > give_up_at:
                raise
            await asyncio.sleep(ASK_AGAIN_SEC)
        else:
            return answer
