"""Opens a take's journal where an earlier process left it, if one did."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

from channels.db import database_sync_to_async
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from studies.errors import RecordingError, TakeRefused
from studies.models import Take
from studies.talk import takes
from studies.talk.journal.file import journal_path
from studies.talk.journal.records import now_us
from studies.talk.journal.writer import Journal, writer
from studies.talk.live.endings import ENDINGS, RECORDING_ENDINGS


async def open_journal(
    take_id: UUID, on_durable: Callable[[int], None], on_failed: Callable[[RecordingError], None]
) -> Journal:
    """Ready to be appended to. Raises TakeRefused when it cannot be written or the take is over, which then ends."""
    try:
        journal = await asyncio.to_thread(Journal, journal_path(take_id), writer(), on_durable, on_failed)
    except RecordingError as error:
        if error.reason == "in_use":
            raise TakeRefused("in_use", _("This conversation is open elsewhere. Try again in a moment.")) from error
        reason = RECORDING_ENDINGS.get(error.reason, "recording_failed")
        await database_sync_to_async(takes.end_take)(take_id, Take.Outcome.INTERRUPTED, reason)
        raise TakeRefused(reason, ENDINGS[reason].message) from error
    before = journal.continuation
    if before.last_time_us is not None:
        away_sec = (now_us() - before.last_time_us) / 1_000_000
        if before.ending is not None or away_sec > settings.RECONNECT_GRACE_SEC:
            await asyncio.wrap_future(journal.close())
            outcome, reason = before.ending or (Take.Outcome.ABANDONED, "abandoned")
            await database_sync_to_async(takes.end_take)(take_id, outcome, reason)
            raise TakeRefused("take_over", _("The connection was away for too long. You can start another talk."))
    return journal
