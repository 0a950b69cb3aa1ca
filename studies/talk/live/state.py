"""The state of a take: what its journal holds, what has arrived since, and when it ends by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from channels.db import database_sync_to_async
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from inference.contract.audio import SAMPLE_RATE_HZ, UPLINK_SAMPLES
from inference.contract.errors import WireError
from studies.errors import RecordingError, TakeRefused
from studies.models import Take
from studies.talk import takes
from studies.talk.journal.arrival import ArrivalClock
from studies.talk.journal.file import Continuation, journal_path
from studies.talk.journal.records import now_us
from studies.talk.journal.writer import Journal, writer
from studies.talk.live.endings import ENDINGS, RECORDING_ENDINGS
from studies.talk.live.missed import MissedSpeech

MAX_EVENT_BYTES: Final = 4_000_000  # all events of one take from its browser; far more than an hour's reports
OVERTIME_MS: Final = 30_000  # how far the microphone clock may run past the limit


@dataclass(slots=True)
class TalkState:
    """What a relay knows of its take. It is used only on the event loop."""

    limit_ms: int
    next_sequence: int = 0  # sequence of the next microphone frame
    recording: bool = False  # true from `live` on
    live_us: int = 0  # time of `live`; 0 before it
    fingerprint: str = ""  # fingerprint of the engine that hears
    engine: dict[str, Any] = field(default_factory=dict)  # what the browser is told about the engine
    queue: dict[str, Any] = field(default_factory=dict)  # and about its place in the queue before
    away: bool = False  # no engine hears at the moment
    monitoring: bool = False  # the participant hears what the engine hears
    agent_step: int = -1  # step of the newest agent frame
    resumed: bool = False  # the take was resumed after that frame
    event_bytes: int = 0
    duplicates: int = 0
    early: int = 0
    arrival: ArrivalClock = field(default_factory=ArrivalClock)
    missed: MissedSpeech = field(default_factory=MissedSpeech)

    def pick_up(self, before: Continuation) -> None:
        """Continues from the end of a journal."""
        self.next_sequence, self.arrival.start_us = before.next_sequence, before.clock_us
        self.recording, self.live_us = before.live, before.live_time_us or 0

    def begin(self, engine: Mapping[str, Any], fingerprint: str) -> bool:
        """Notes that an engine hears from now on. Returns False if this continues an earlier conversation."""
        self.fingerprint, self.engine, self.resumed = fingerprint, dict(engine), self.recording
        if self.recording:
            return False
        self.recording, self.live_us = True, now_us()
        return True

    @property
    def has_begun(self) -> bool:
        return self.next_sequence > 0 or self.recording

    @property
    def left_sec(self) -> float:
        """Returns the seconds left until the limit."""
        return max(0.0, self.limit_ms / 1_000 - (now_us() - self.live_us) / 1_000_000)

    def hello(self) -> dict[str, Any]:
        """Returns the first event sent to a socket."""
        elapsed_ms = (now_us() - self.live_us) // 1_000 if self.live_us else 0
        told = {"next_sequence": self.next_sequence, "limit_ms": self.limit_ms, "resumed": self.has_begun}
        return {**told, "elapsed_ms": elapsed_ms}

    def events(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yields the events that a socket connecting now has missed."""
        if self.engine:
            yield "live", {**self.engine, "resumed": True}
        elif self.queue:
            yield "queue", self.queue
        if self.away:
            yield "away", {"away": True}

    def count_event(self, size: int) -> None:
        """Counts an event of the browser. Raises WireError if it reports more than is allowed for one take."""
        self.event_bytes += size
        if self.event_bytes > MAX_EVENT_BYTES:
            raise WireError(f"at most {MAX_EVENT_BYTES} bytes of reports", "more")

    def missing_before(self, sequence: int, sample: int) -> int:
        """Accepts a microphone frame and returns the number of frames missing before it.

        The number is negative for a frame that had already arrived. Raises WireError for a place beyond the limit."""
        max_sample = (self.limit_ms + OVERTIME_MS) * SAMPLE_RATE_HZ // 1_000
        if sample > max_sample or sequence * UPLINK_SAMPLES > max_sample:
            raise WireError("a place within the take", "one far beyond its time limit")
        missing = sequence - self.next_sequence
        if missing < 0:
            self.duplicates += 1
        else:
            self.next_sequence = sequence + 1
        return missing


class Deadlines:
    """Calls `on_passed(reason)` when a deadline passes that was not cancelled. It is used only on the event loop."""

    def __init__(self, on_passed: Callable[[str], None]) -> None:
        self._on_passed = on_passed
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def set(self, reason: str, delay_sec: float) -> None:
        """Sets a deadline, replacing an earlier one for the same reason."""
        self.clear(reason)
        self._timers[reason] = asyncio.get_running_loop().call_later(delay_sec, self._on_passed, reason)

    def clear(self, reason: str) -> None:
        timer = self._timers.pop(reason, None)
        if timer is not None:
            timer.cancel()

    def clear_all(self) -> None:
        for reason in list(self._timers):
            self.clear(reason)


async def open_journal(
    take_id: UUID, on_durable: Callable[[int], None], on_failed: Callable[[RecordingError], None]
) -> Journal:
    """Opens a take's journal, continuing one that an earlier process left.

    If the journal cannot be written or the take is over, the take ends and TakeRefused is raised."""
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
